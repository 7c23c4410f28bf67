// Opening a segment that is there: trusting its indexes, or building them anew.
#include <fmt/format.h>

#include <limits>

#include "broker/log/log_result.h"
#include "broker/log/segment.h"

namespace longhaul::broker::log {

namespace {

using base::Errc;

/// A control batch is loaded whole for its marker; markers are far smaller than this.
constexpr size_t kMaxControlBatch = 1u << 20;

base::Result<void> visit_batch(BatchScanner& scanner, const records::BatchHeader& batch,
                               const Segment::Visit& visit) {
  base::Bytes bytes;
  if (batch.is_control() && batch.size_bytes() <= kMaxControlBatch) {
    LH_ASSIGN(bytes, scanner.load());
  }
  return visit(batch, bytes);
}

}  // namespace

base::Result<int64_t> Segment::open_trusted(const LogConfig& config) {
  uint64_t end = size();
  LH_ASSIGN(OffsetPosition indexed, offsets_.last());
  LH_ASSIGN(TimestampOffset newest, times_.last());
  constexpr int64_t kReach = std::numeric_limits<int32_t>::max();
  if (indexed.offset < base_offset_ || (indexed.position > 0 && indexed.position >= end) ||
      newest.offset < base_offset_ || newest.offset > base_offset_ + kReach) {
    return base::fail(Errc::kCorrupt, offsets_.file().path() + ": does not fit its segment");
  }
  LH_TRY(times_.adopt_last());
  if (newest.timestamp >= 0) {
    max_timestamp_ = newest.timestamp;
    max_timestamp_offset_ = newest.offset;
  }
  if (end == 0) return base_offset_;

  LH_ASSIGN(auto file, this->file());
  BatchScanner first(*file, 0, end, records::kHeaderSize);
  for (;;) {
    LH_ASSIGN(auto batch, first.next());
    if (!batch) break;
    if (batch->record_count == 0) continue;  // compaction left its header alone
    first_timestamp_ = batch->max_timestamp;
    break;
  }
  int64_t next_offset = base_offset_;
  BatchScanner scanner(*file, indexed.position, end, kHeaderChunk);
  for (;;) {
    LH_ASSIGN(auto batch, scanner.next());
    if (!batch) break;
    if (scanner.position() == indexed.position && indexed.position > 0 &&
        batch->last_offset() != indexed.offset) {
      return base::fail(Errc::kCorrupt, offsets_.file().path() + ": does not fit its segment");
    }
    if (offsets_.file().count() == 0 &&
        scanner.position() > static_cast<uint64_t>(config.index_interval_bytes)) {
      return base::fail(Errc::kCorrupt, offsets_.file().path() + ": lacks its entries");
    }
    note_timestamp(*batch);
    next_offset = batch->next_offset();
  }
  bytes_since_index_ = end - indexed.position;
  return next_offset;
}

/// An epoch has no checksum: what was durable is not given up for it.
base::Result<void> Segment::check_follows(const records::BatchHeader& batch,
                                          const Recovered& recovered, bool durable) const {
  if (batch.base_offset < recovered.next_offset ||
      batch.last_offset() - base_offset_ > std::numeric_limits<int32_t>::max()) {
    return base::fail(Errc::kCorrupt, fmt::format("offset {} comes where {} should",
                                                  batch.base_offset, recovered.next_offset));
  }
  if (!durable && batch.partition_leader_epoch < recovered.last_epoch) {
    return base::fail(
        Errc::kCorrupt,
        fmt::format("the batch at offset {} is of leader epoch {}, after {}", batch.base_offset,
                    batch.partition_leader_epoch, recovered.last_epoch));
  }
  return {};
}

base::Result<void> Segment::check_batch(BatchScanner& scanner, const records::BatchHeader& batch,
                                        const Recovered& recovered, int64_t durable_to) const {
  bool durable = recovered.next_offset < durable_to;
  LH_TRY(check_follows(batch, recovered, durable));
  LH_ASSIGN(bool intact, scanner.crc_matches());
  if (!intact) {
    return base::fail(Errc::kCorrupt, fmt::format("wrong CRC at offset {}", batch.base_offset));
  }
  // Nor has an offset: one that became larger would have all that follows cut off.
  if (!durable || batch.next_offset() <= durable_to) return {};
  LH_ASSIGN(bool is_followed, scanner.is_followed_below(batch.next_offset()));
  if (!is_followed) return {};
  return base::fail(Errc::kCorrupt,
                    fmt::format("offset {} is not that of its batch: what comes next "
                                "has a smaller one",
                                batch.base_offset));
}

base::Result<Segment::Recovered> Segment::recover(const LogConfig& config, int32_t last_epoch,
                                                  int64_t durable_to, const Visit& visit) {
  LH_ASSIGN(auto file, this->file());
  LH_ASSIGN(uint64_t end, file->size());
  LH_TRY(offsets_.file().reset());
  LH_TRY(times_.file().reset());
  LH_TRY(times_.adopt_last());
  max_timestamp_ = first_timestamp_ = records::kNoTimestamp;
  max_timestamp_offset_ = -1;
  bytes_since_index_ = 0;

  Recovered recovered{base_offset_, 0, last_epoch, ""};
  bool kept = false;  // all that there is to the end
  BatchScanner scanner(*file, 0, end, kBatchChunk);
  for (;;) {
    bool durable = recovered.next_offset < durable_to;
    auto batch = scanner.next();
    if (batch && !*batch) break;
    base::Result<void> sound = batch ? check_batch(scanner, **batch, recovered, durable_to)
                                     : tl::unexpected(batch.error());
    if (!sound && !is_rot(sound.error())) return tl::unexpected(sound.error());
    if (!sound && sound.error().code == Errc::kUnsupported && scanner.position() == 0) {
      return base::fail_in(directory_->segment_file(base_offset_, kLogExtension), sound.error());
    }
    if (!sound && recovered.why.empty()) recovered.why = sound.error().message;
    if (!sound && !durable) break;
    if (!sound) {
      LH_ASSIGN(bool goes_on, scanner.skip_damage(recovered.next_offset));
      bytes_since_index_ =
          end;  // who looks for what comes next finds it without a way through this
      if (goes_on) continue;
      recovered.next_offset = durable_to;
      kept = true;
      break;
    }
    const records::BatchHeader& header = **batch;
    auto indexed = index_batch(header, scanner.position(), config);
    if (!indexed && !is_shortage(indexed.error())) return tl::unexpected(indexed.error());
    LH_TRY(visit_batch(scanner, header, visit));
    recovered.next_offset = header.next_offset();
    if (!durable) recovered.last_epoch = header.partition_leader_epoch;
  }
  size_ = end;
  // Entries for which there is no room stay in memory, for the next flush.
  if (auto sealed = seal(); !sealed && !is_shortage(sealed.error())) {
    return tl::unexpected(sealed.error());
  }
  if (kept || scanner.position() == end) return recovered;
  recovered.cut_bytes = end - scanner.position();
  LH_TRY(cut(scanner.position()));
  // What was cut off must not come back behind what is written next.
  LH_TRY(sync());
  return recovered;
}

base::Result<void> Segment::scan(int64_t from, int64_t to, const Visit& visit) const {
  uint64_t end = size();
  LH_ASSIGN(auto start, find(from, end));
  if (!start) return {};
  LH_ASSIGN(auto file, this->file());
  BatchScanner scanner(*file, start->position, end, kHeaderChunk);
  for (;;) {
    LH_ASSIGN(auto batch, scanner.next());
    if (!batch || batch->base_offset >= to) return {};
    LH_TRY(visit_batch(scanner, *batch, visit));
  }
}

}  // namespace longhaul::broker::log
