#include "broker/groups/records.h"

#include "base/assert.h"
#include "protocol/encoder.h"
#include "protocol/messages/group_metadata_key.h"
#include "protocol/messages/legacy_offset_commit_key.h"
#include "protocol/messages/legacy_offset_commit_value.h"
#include "protocol/messages/offset_commit_key.h"
#include "protocol/messages/offset_commit_value.h"

namespace longhaul::broker::groups {
namespace {

// The first two bytes of a key are its kind (the schema's apiKey), those of a value its version.
constexpr int16_t kLegacyOffsetKey = 0;
constexpr int16_t kOffsetKey = 1;
constexpr int16_t kGroupKey = 2;
// Version 3 is what every Kafka since 2.1 reads; version 1 is the only one with an expiry.
constexpr int16_t kOffsetValueVersion = 3;
constexpr int16_t kOffsetValueVersionWithExpiry = 1;
constexpr int16_t kGroupValueVersion = 3;

template <class Message>
base::Bytes encode(int16_t prefix, const Message& message, int16_t version) {
  protocol::Encoder encoder;
  base::store_big_endian(encoder.extend(sizeof(prefix)), prefix);
  auto done = message.encode(encoder, version);
  LH_ASSERT(done.has_value(), "the version written carries every field we set");
  return encoder.take();
}

base::Bytes offset_key(const OffsetKey& key) {
  return encode(
      kOffsetKey,
      protocol::OffsetCommitKey{.group = key.group, .topic = key.topic, .partition = key.partition},
      0);
}

base::Bytes group_key(const std::string& group) {
  return encode(kGroupKey, protocol::GroupMetadataKey{.group = group}, 0);
}

base::Result<CommittedOffset> decode_offset_value(base::ByteView value) {
  base::Reader reader(value);
  int16_t version = reader.int16();
  LH_ASSIGN(auto stored, protocol::OffsetCommitValue::decode(reader, version));
  CommittedOffset offset{.offset = stored.offset,
                         .leader_epoch = stored.leader_epoch,
                         .metadata = std::move(stored.metadata),
                         .commit_time_ms = stored.commit_timestamp,
                         .expire_time_ms = {}};
  if (stored.expire_timestamp >= 0) offset.expire_time_ms = stored.expire_timestamp;
  return offset;
}

base::Result<DecodedRecord> decode_offset(base::Reader& key, std::optional<base::ByteView> value) {
  LH_ASSIGN(auto stored, protocol::OffsetCommitKey::decode(key, 0));
  OffsetRecord record{{std::move(stored.group), std::move(stored.topic), stored.partition}, {}};
  if (value) {
    LH_ASSIGN(record.value, decode_offset_value(*value));
  }
  return record;
}

base::Result<DecodedRecord> decode_group(base::Reader& key, std::optional<base::ByteView> value) {
  LH_ASSIGN(auto stored, protocol::GroupMetadataKey::decode(key, 0));
  GroupRecord record{std::move(stored.group), {}};
  if (value) {
    base::Reader reader(*value);
    int16_t version = reader.int16();
    LH_ASSIGN(record.value, protocol::GroupMetadataValue::decode(reader, version));
  }
  return record;
}

}  // namespace

KeyValue encode_offset(const OffsetKey& key, const CommittedOffset& value) {
  protocol::OffsetCommitValue stored;
  stored.offset = value.offset;
  stored.leader_epoch = value.leader_epoch;
  stored.metadata = value.metadata;
  stored.commit_timestamp = value.commit_time_ms;
  stored.expire_timestamp = value.expire_time_ms.value_or(-1);
  int16_t version = value.expire_time_ms ? kOffsetValueVersionWithExpiry : kOffsetValueVersion;
  return {offset_key(key), encode(version, stored, version)};
}

KeyValue encode_offset_tombstone(const OffsetKey& key) { return {offset_key(key), {}}; }

KeyValue encode_group(const std::string& group, const protocol::GroupMetadataValue& value) {
  return {group_key(group), encode(kGroupValueVersion, value, kGroupValueVersion)};
}

KeyValue encode_group_tombstone(const std::string& group) { return {group_key(group), {}}; }

base::Result<DecodedRecord> decode_record(base::ByteView key, std::optional<base::ByteView> value) {
  base::Reader reader(key);
  int16_t kind = reader.int16();
  if (!reader.ok()) return base::fail(base::Errc::kCorrupt, "a record key without its kind");
  if (kind == kOffsetKey || kind == kLegacyOffsetKey) return decode_offset(reader, value);
  if (kind == kGroupKey) return decode_group(reader, value);
  return ForeignRecord{kind};
}

}  // namespace longhaul::broker::groups
