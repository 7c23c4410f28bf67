// The records of `__consumer_offsets`, in Kafka's formats (docs/formats/consumer-offsets.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/groups/offsets_topic.h"
#include "protocol/messages/group_metadata_value.h"

namespace longhaul::broker::groups {

/// An offset that a group committed for a partition.
struct CommittedOffset {
  int64_t offset = -1;
  int32_t leader_epoch = -1;
  std::string metadata;
  int64_t commit_time_ms = 0;             // wall clock
  std::optional<int64_t> expire_time_ms;  // only from clients that still send a retention time
};

struct OffsetKey {
  std::string group;
  std::string topic;
  int32_t partition = 0;
};

/// What a record says, once decoded; no value means that it was removed.
struct OffsetRecord {
  OffsetKey key;
  std::optional<CommittedOffset> value;
};
struct GroupRecord {
  std::string group;
  std::optional<protocol::GroupMetadataValue> value;
};
/// A record of a kind that this version does not keep (another group protocol's).
struct ForeignRecord {
  int16_t type = 0;
};
using DecodedRecord = std::variant<OffsetRecord, GroupRecord, ForeignRecord>;

KeyValue encode_offset(const OffsetKey& key, const CommittedOffset& value);
KeyValue encode_offset_tombstone(const OffsetKey& key);
KeyValue encode_group(const std::string& group, const protocol::GroupMetadataValue& value);
KeyValue encode_group_tombstone(const std::string& group);

/// kCorrupt if key or value contradict their format.
base::Result<DecodedRecord> decode_record(base::ByteView key, std::optional<base::ByteView> value);

}  // namespace longhaul::broker::groups
