#include "broker/metadata/log_batch.h"

#include <fmt/core.h>

#include "base/assert.h"
#include "protocol/messages/control_record_type_schema.h"
#include "protocol/messages/kraft_version_record.h"
#include "protocol/messages/leader_change_message.h"
#include "protocol/messages/snapshot_footer_record.h"
#include "protocol/messages/snapshot_header_record.h"
#include "protocol/messages/voters_record.h"
#include "records/builder.h"
#include "records/record.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;
using base::fail;

/// Types of control records, in their keys.
enum ControlType : int16_t {
  kLeaderChangeType = 2,
  kSnapshotHeaderType = 3,
  kSnapshotFooterType = 4,
  kKraftVersionType = 5,
  kVotersType = 6,
};

constexpr int16_t kControlVersion = 0;

records::BatchOptions options(const BatchPlace& place, bool control) {
  records::BatchOptions options;
  options.base_offset = place.base_offset;
  options.partition_leader_epoch = place.epoch;
  options.control = control;
  return options;
}

template <class Message>
base::Bytes encoded(const Message& message) {
  protocol::Encoder encoder;
  bool done = message.encode(encoder, kControlVersion).has_value();
  LH_ASSERT(done, "control records of ours can be encoded");
  return encoder.take();
}

/// Collects control records into a batch.
class ControlBatch {
 public:
  explicit ControlBatch(const BatchPlace& place)
      : builder_(options(place, true)), timestamp_ms_(place.timestamp_ms) {}

  template <class Message>
  ControlBatch& add(ControlType type, const Message& message) {
    base::Writer key(4);
    key.int16(0);  // version of the key
    key.int16(type);
    builder_.append(timestamp_ms_, key.view(), encoded(message));
    return *this;
  }
  base::Bytes build() {
    records::Codecs codecs;
    return builder_.build(codecs);
  }

 private:
  records::BatchBuilder builder_;
  int64_t timestamp_ms_;
};

protocol::SnapshotHeaderRecord header_record(int64_t last_contained_timestamp_ms) {
  protocol::SnapshotHeaderRecord record;
  record.last_contained_log_timestamp = last_contained_timestamp_ms;
  return record;
}

protocol::KRaftVersionRecord kraft_version_record() {
  protocol::KRaftVersionRecord record;
  record.kraft_version = 1;
  return record;
}

protocol::VotersRecord voters_record(const raft::VoterSet& voters) {
  protocol::VotersRecord record;
  for (const auto& [id, voter] : voters.all()) {
    auto& entry = record.voters.emplace_back();
    entry.voter_id = id;
    entry.voter_directory_id = voter.key.directory;
    for (const raft::Endpoint& endpoint : voter.endpoints)
      entry.endpoints.push_back({endpoint.name, endpoint.host, endpoint.port});
    entry.kraft_version_feature.min_supported_version = voter.min_kraft_version;
    entry.kraft_version_feature.max_supported_version = voter.max_kraft_version;
  }
  return record;
}

raft::VoterSet voters_of(const protocol::VotersRecord& record) {
  std::vector<raft::Voter> voters;
  for (const auto& entry : record.voters) {
    raft::Voter voter;
    voter.key = {entry.voter_id, entry.voter_directory_id};
    for (const auto& endpoint : entry.endpoints)
      voter.endpoints.push_back({endpoint.name, endpoint.host, endpoint.port});
    voter.min_kraft_version = entry.kraft_version_feature.min_supported_version;
    voter.max_kraft_version = entry.kraft_version_feature.max_supported_version;
    voters.push_back(std::move(voter));
  }
  return raft::VoterSet(voters);
}

/// The version of a control record is its first field.
template <class Message>
base::Result<Message> decode_control(base::ByteView value) {
  base::Reader reader(value);
  int16_t version = reader.int16();
  if (!reader.ok()) return fail(Errc::kCorrupt, fmt::format("{} is cut off", Message::kName));
  return Message::decode(value, version);
}

base::Result<LogEntry> decode_control_entry(const records::Record& record) {
  if (!record.key || !record.value)
    return fail(Errc::kCorrupt, "control record without key or value");
  base::Reader key(*record.key);
  key.int16();
  int16_t type = key.int16();
  if (!key.ok()) return fail(Errc::kCorrupt, "control record with a short key");
  switch (type) {
    case kLeaderChangeType: {
      LH_ASSIGN(auto message, decode_control<protocol::LeaderChangeMessage>(*record.value));
      return LogEntry{record.offset, LeaderChange{message.leader_id}};
    }
    case kSnapshotHeaderType: {
      LH_ASSIGN(auto message, decode_control<protocol::SnapshotHeaderRecord>(*record.value));
      return LogEntry{record.offset, SnapshotHeader{message.last_contained_log_timestamp}};
    }
    case kSnapshotFooterType:
      return LogEntry{record.offset, SnapshotFooter{}};
    case kKraftVersionType: {
      LH_ASSIGN(auto message, decode_control<protocol::KRaftVersionRecord>(*record.value));
      return LogEntry{record.offset, KraftVersion{message.kraft_version}};
    }
    case kVotersType: {
      LH_ASSIGN(auto message, decode_control<protocol::VotersRecord>(*record.value));
      return LogEntry{record.offset, voters_of(message)};
    }
    default:
      return fail(Errc::kUnsupported, fmt::format("control record type {} is not known", type));
  }
}

base::Result<LogEntry> decode_entry(const records::Record& record, bool control) {
  if (control) return decode_control_entry(record);
  if (!record.value) return fail(Errc::kCorrupt, "metadata record without a value");
  auto known = decode_record(*record.value);
  if (!known) return tl::unexpected(std::move(known).error());
  return LogEntry{record.offset, std::move(*known)};
}

}  // namespace

base::Bytes data_batch(const BatchPlace& place, std::span<const MetadataRecord> records) {
  records::BatchBuilder builder(options(place, false));
  for (const MetadataRecord& record : records)
    builder.append(place.timestamp_ms, std::nullopt, encode_record(record));
  records::Codecs codecs;
  return builder.build(codecs);
}

base::Bytes leader_change_batch(const raft::AppendControl& control, int64_t timestamp_ms) {
  protocol::LeaderChangeMessage message;
  message.leader_id = control.leader;
  for (int32_t id : control.voters) message.voters.push_back({id, {}});
  for (int32_t id : control.granting_voters) message.granting_voters.push_back({id, {}});
  ControlBatch batch({control.base_offset, control.epoch, timestamp_ms});
  batch.add(kLeaderChangeType, message);
  if (control.bootstrap_voters)
    batch.add(kKraftVersionType, kraft_version_record())
        .add(kVotersType, voters_record(*control.bootstrap_voters));
  return batch.build();
}

base::Bytes voters_batch(const raft::AppendVoters& control, int64_t timestamp_ms) {
  return ControlBatch({control.base_offset, control.epoch, timestamp_ms})
      .add(kVotersType, voters_record(control.voters))
      .build();
}

base::Bytes snapshot_header_batch(const BatchPlace& place, int64_t last_contained_timestamp_ms,
                                  const raft::VoterSet& voters) {
  return ControlBatch(place)
      .add(kSnapshotHeaderType, header_record(last_contained_timestamp_ms))
      .add(kKraftVersionType, kraft_version_record())
      .add(kVotersType, voters_record(voters))
      .build();
}

base::Bytes snapshot_header_batch(const BatchPlace& place, int64_t last_contained_timestamp_ms) {
  return ControlBatch(place)
      .add(kSnapshotHeaderType, header_record(last_contained_timestamp_ms))
      .build();
}

base::Bytes snapshot_footer_batch(const BatchPlace& place) {
  return ControlBatch(place).add(kSnapshotFooterType, protocol::SnapshotFooterRecord{}).build();
}

base::Result<std::vector<LogEntry>> decode_batch(const records::BatchView& batch) {
  if (batch.header.is_compressed())
    return fail(Errc::kUnsupported,
                fmt::format("metadata batch at offset {} is compressed", batch.header.base_offset));
  std::vector<LogEntry> entries;
  records::RecordReader reader(batch.header, batch.payload());
  while (const records::Record* record = reader.next()) {
    auto entry = decode_entry(*record, batch.header.is_control());
    if (!entry)
      return base::fail_in(fmt::format("metadata log at offset {}", record->offset),
                           std::move(entry).error());
    entries.push_back(std::move(*entry));
  }
  if (reader.error()) return tl::unexpected(*reader.error());
  return entries;
}

}  // namespace longhaul::broker::metadata
