#include "broker/log/log_copy.h"

#include <algorithm>

namespace longhaul::broker::log {
namespace {

using protocol::ErrorCode;

LogResult<> as_log_result(const base::Result<void>& done) {
  if (done) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, done.error().message);
}

/// Where the first of these batches begins; `otherwise` if there is none.
int64_t base_of(base::ByteView batches, int64_t otherwise) {
  records::BatchWalker walker(batches);
  const records::BatchView* first = walker.next();
  return first ? first->header.base_offset : otherwise;
}

}  // namespace

LogResult<base::Bytes> read_missing(Log& log, const Log& copy, uint64_t max_bytes) {
  int64_t from = std::max(copy.log_end_offset(), log.log_start_offset());
  int64_t end = log.log_end_offset();
  if (from >= end) return base::Bytes{};
  auto read = log.read(
      {.offset = from, .max_bytes = max_bytes, .upper_bound = end, .at_least_one_batch = true});
  if (!read && read.error().code == ErrorCode::kOffsetOutOfRange) return base::Bytes{};
  if (!read) return tl::unexpected(std::move(read.error()));
  if (read->slice.empty()) return base::Bytes{};
  auto bytes = base::read_slice(read->slice);
  if (!bytes) return protocol::kafka_fail(ErrorCode::kKafkaStorageError, bytes.error().message);
  return std::move(*bytes);
}

LogResult<Copied> append_missing(const Log& log, Log& copy, base::ByteView batches) {
  int64_t start = log.log_start_offset();
  if (copy.log_end_offset() < start) {
    LH_TRY(as_log_result(copy.truncate_fully_and_start_at(start)));
  }
  // The log may begin within a batch, of which the copy needs all.
  int64_t first = base_of(batches, copy.log_end_offset());
  if (first < copy.log_end_offset() && copy.size_bytes() == 0) {
    LH_TRY(as_log_result(copy.truncate_fully_and_start_at(first)));
  }
  Copied copied;
  int64_t end_before = copy.log_end_offset();
  if (!batches.empty()) LH_TRY(copy.append_as_follower(batches));
  if (copy.log_end_offset() > end_before) copied.bytes = batches.size();
  copy.set_high_watermark(log.high_watermark());
  start = std::min(log.log_start_offset(), copy.high_watermark());
  LH_TRY(as_log_result(copy.advance_log_start_offset(start)));
  copied.caught_up = copy.log_end_offset() == log.log_end_offset() &&
                     copy.log_start_offset() == log.log_start_offset();
  return copied;
}

std::shared_ptr<const LogConfig> config_of_copy(const LogConfig& config) {
  auto lasting = std::make_shared<LogConfig>(config);
  lasting->retention_ms = lasting->retention_bytes = -1;
  return lasting;
}

// As a follower does with its leader (KIP-101, KIP-279), only that all is here to be looked at.
base::Result<void> cut_to_match(const Log& log, Log& copy) {
  if (copy.log_start_offset() > log.log_start_offset()) {
    return copy.truncate_fully_and_start_at(log.log_start_offset());
  }
  for (;;) {
    int64_t end = copy.log_end_offset();
    int64_t same_to = std::min(end, log.log_end_offset());
    auto ours = copy.latest_epoch();
    auto newest = log.latest_epoch();
    if (ours && newest) {
      EpochEnd known = log.end_offset_for_epoch(std::min(*ours, *newest));
      same_to = std::min(same_to, known.end_offset);
      if (known.epoch < *ours) {
        same_to = std::min(same_to, copy.end_offset_for_epoch(known.epoch).end_offset);
      }
    }
    if (same_to >= end) return {};
    LH_TRY(copy.truncate_to(std::max<int64_t>(same_to, 0)));
  }
}

}  // namespace longhaul::broker::log
