// Looking things up in a segment.
#include <fmt/format.h>

#include <optional>

#include "broker/log/segment.h"
#include "records/compression.h"
#include "records/record.h"

namespace longhaul::broker::log {

namespace {

/// More than any batch that a broker takes holds when it is decompressed.
constexpr size_t kMaxPlainBytes = size_t{1} << 30;

/// The first batch that ends at or above `offset`: `batch`, at which `scanner` stands, or one
/// behind.
base::Result<std::optional<BatchPosition>> find_onward(BatchScanner& scanner,
                                                       std::optional<records::BatchHeader> batch,
                                                       int64_t offset) {
  while (batch && batch->last_offset() < offset) {
    LH_ASSIGN(batch, scanner.next());
  }
  if (!batch) return std::nullopt;
  return BatchPosition{.base_offset = batch->base_offset,
                       .last_offset = batch->last_offset(),
                       .position = scanner.position(),
                       .size = batch->size_bytes()};
}

/// The first record of the batch that `scanner` stands at that is new enough.
base::Result<std::optional<FoundRecord>> find_in_batch(records::Codecs& codecs,
                                                       BatchScanner& scanner,
                                                       const records::BatchHeader& batch,
                                                       int64_t timestamp, int64_t from_offset) {
  // In pieces, before all of it is in memory: a length that has rotted may claim the whole segment.
  LH_ASSIGN(bool intact, scanner.crc_matches());
  if (!intact) {
    return base::fail(base::Errc::kCorrupt,
                      fmt::format("the batch at offset {} has a wrong CRC", batch.base_offset));
  }
  LH_ASSIGN(base::Bytes bytes, scanner.load());
  base::ByteView stored = base::ByteView(bytes).subspan(records::kHeaderSize);
  base::Bytes scratch;
  auto payload = records::plain_payload(codecs, batch, stored, kMaxPlainBytes, scratch);
  if (!payload) {
    return base::fail_in(fmt::format("the batch at offset {}", batch.base_offset), payload.error());
  }
  records::RecordReader reader(batch, *payload);
  while (const records::Record* record = reader.next()) {
    if (record->timestamp >= timestamp && record->offset >= from_offset) {
      return FoundRecord{record->offset, record->timestamp, batch.partition_leader_epoch};
    }
  }
  if (reader.error()) return tl::unexpected(*reader.error());
  return std::nullopt;
}

}  // namespace

base::Result<std::optional<BatchPosition>> Segment::find(int64_t offset,
                                                         uint64_t end_position) const {
  if (end_position == 0) return std::nullopt;
  if (auto recent = recent_.find(offset)) {
    return recent->position < end_position ? recent : std::nullopt;
  }
  LH_ASSIGN(auto file, this->file());
  auto near = offsets_.find(offset);
  if (near && near->position > 0 && near->position < end_position) {
    BatchScanner scanner(*file, near->position, end_position, kHeaderChunk);
    auto first = scanner.next();
    // An index has no checksum: what it points at must be the batch that it was written for.
    if (first && *first && (*first)->last_offset() == near->offset) {
      return find_onward(scanner, *first, offset);
    }
  }
  BatchScanner scanner(*file, 0, end_position, kHeaderChunk);
  LH_ASSIGN(auto first, scanner.next());
  return find_onward(scanner, first, offset);
}

base::Result<std::optional<FoundRecord>> Segment::find_timestamp(int64_t timestamp,
                                                                 int64_t from_offset) const {
  uint64_t end = size();
  if (end == 0) return std::nullopt;
  LH_ASSIGN(TimestampOffset indexed, times_.find(timestamp));
  LH_ASSIGN(auto start, find(std::max(indexed.offset, from_offset), end));
  if (!start) return std::nullopt;
  LH_ASSIGN(auto file, this->file());
  BatchScanner scanner(*file, start->position, end, kHeaderChunk);
  records::Codecs codecs;
  for (;;) {
    LH_ASSIGN(auto batch, scanner.next());
    if (!batch) return std::nullopt;
    if (batch->max_timestamp < timestamp || batch->last_offset() < from_offset) continue;
    LH_ASSIGN(auto found, find_in_batch(codecs, scanner, *batch, timestamp, from_offset));
    if (found) return found;
  }
}

base::Result<std::optional<FoundRecord>> Segment::find_max_timestamp() const {
  if (max_timestamp() < 0) return std::nullopt;
  return find_timestamp(max_timestamp(), base_offset_);
}

}  // namespace longhaul::broker::log
