#include "broker/log/producer_snapshot.h"

#include <fmt/format.h>

#include "base/crc32c.h"
#include "protocol/messages/producer_snapshot.h"

namespace longhaul::broker::log {

namespace {

using base::Errc;
using protocol::ProducerSnapshot;

constexpr int16_t kVersion = 1;
constexpr size_t kVersionSize = 2;
/// The CRC covers what follows it.
constexpr size_t kCrcSize = 4;
constexpr uint64_t kMaxSnapshotBytes = 1u << 30;

ProducerSnapshot::ProducerEntry to_stored(const ProducerEntry& entry) {
  ProducerSnapshot::ProducerEntry stored;
  stored.producer_id = entry.producer_id;
  stored.epoch = entry.epoch;
  ProducerBatch last =
      entry.batch_count == 0 ? ProducerBatch{} : entry.kept[entry.batch_count - 1u];
  stored.last_sequence = last.last_sequence;
  stored.last_offset = last.last_offset;
  stored.offset_delta = last.offset_delta;
  stored.timestamp = entry.last_timestamp;
  stored.coordinator_epoch = entry.coordinator_epoch;
  stored.current_txn_first_offset = entry.transaction_first_offset;
  return stored;
}

ProducerEntry from_stored(const ProducerSnapshot::ProducerEntry& stored) {
  ProducerEntry entry;
  entry.producer_id = stored.producer_id;
  entry.epoch = stored.epoch;
  entry.last_timestamp = stored.timestamp;
  entry.coordinator_epoch = stored.coordinator_epoch;
  entry.transaction_first_offset = stored.current_txn_first_offset;
  if (stored.last_offset >= 0) {
    entry.add({stored.last_sequence, stored.offset_delta, stored.last_offset, stored.timestamp});
  }
  return entry;
}

}  // namespace

base::Result<void> write_producer_snapshot(base::FileSystem& files, const std::string& path,
                                           const std::vector<ProducerEntry>& entries, bool sync) {
  ProducerSnapshot snapshot;
  for (const auto& entry : entries) snapshot.producer_entries.push_back(to_stored(entry));
  protocol::Encoder encoder;
  LH_TRY(snapshot.encode(encoder, kVersion));
  base::Bytes body = encoder.take();
  base::store_big_endian(body.data(), base::crc32c(base::ByteView(body).subspan(kCrcSize)));

  uint8_t version[kVersionSize];
  base::store_big_endian(version, kVersion);
  base::ByteView parts[] = {version, body};
  LH_ASSIGN(auto file, files.open(path, base::OpenMode::kCreate));
  LH_TRY(file->truncate(0));
  LH_TRY(file->write_at(0, parts));
  if (sync) LH_TRY(file->sync());
  return {};
}

base::Result<std::vector<ProducerEntry>> read_producer_snapshot(base::FileSystem& files,
                                                                const std::string& path) {
  LH_ASSIGN(base::Bytes content, base::read_file(files, path, kMaxSnapshotBytes));
  base::Reader reader(content);
  int16_t version = reader.int16();
  if (!reader.ok() || version != kVersion) {
    return base::fail(Errc::kCorrupt, fmt::format("{}: version {}, not 1", path, version));
  }
  base::ByteView body = reader.rest();
  auto snapshot = ProducerSnapshot::decode(body, kVersion);
  if (!snapshot) return base::fail_in(path, snapshot.error());
  if (snapshot->encoded_size(kVersion) != body.size() ||
      snapshot->crc != base::crc32c(body.subspan(kCrcSize))) {
    return base::fail(Errc::kCorrupt, path + ": its CRC does not match");
  }
  std::vector<ProducerEntry> entries;
  for (const auto& stored : snapshot->producer_entries) entries.push_back(from_stored(stored));
  return entries;
}

}  // namespace longhaul::broker::log
