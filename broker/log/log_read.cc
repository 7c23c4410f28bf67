// Reading from a log. Nothing here takes the log's lock.
#include <fmt/format.h>

#include <algorithm>

#include "broker/log/log.h"

namespace longhaul::broker::log {

namespace {

using base::Errc;
using protocol::ErrorCode;
using protocol::kafka_fail;

tl::unexpected<protocol::KafkaError> read_error(const base::Error& error) {
  return kafka_fail(error.code == Errc::kCorrupt || error.code == Errc::kUnsupported
                        ? ErrorCode::kCorruptMessage
                        : ErrorCode::kKafkaStorageError,
                    error.message);
}

/// The index of the last segment that begins at or below `offset`; 0 if there is none.
template <class List>
size_t floor_segment(const List& list, int64_t offset) {
  auto after = std::upper_bound(
      list.begin(), list.end(), offset,
      [](int64_t wanted, const auto& segment) { return wanted < segment->base_offset(); });
  return after == list.begin() ? 0 : static_cast<size_t>(after - list.begin()) - 1;
}

}  // namespace

void Log::note_read_error(const base::Error& error) {
  if (error.code == Errc::kIo) go_offline(error);
}

LogResult<ReadResult> Log::read(const ReadOptions& options) {
  const auto [list, end, active_bytes] = readable();
  ReadResult result;
  result.log_start_offset = log_start_offset();
  result.high_watermark = high_watermark();
  if (options.offset < result.log_start_offset || options.offset > end) {
    return kafka_fail(ErrorCode::kOffsetOutOfRange,
                      fmt::format("offset {} is not within [{}, {}]", options.offset,
                                  result.log_start_offset, end));
  }
  // Retention moves the start before it takes a segment away.
  auto refuse = [&](const base::Error& error) -> tl::unexpected<protocol::KafkaError> {
    note_read_error(error);
    if (error.code != Errc::kNotFound || options.offset >= log_start_offset()) {
      return read_error(error);
    }
    return kafka_fail(ErrorCode::kOffsetOutOfRange,
                      fmt::format("offset {} has just been deleted", options.offset));
  };
  int64_t upper = std::min(options.upper_bound, end);
  if (options.offset >= upper) return result;

  for (size_t i = floor_segment(*list, options.offset); i < list->size(); ++i) {
    const Segment& segment = *(*list)[i];
    bool is_last = i + 1 == list->size();
    uint64_t end_position = is_last ? active_bytes : segment.size();
    int64_t next_base = is_last ? end : (*list)[i + 1]->base_offset();
    if (segment.base_offset() >= upper) break;
    if (upper < next_base) {
      auto bound = segment.find(upper, end_position);
      if (!bound) return refuse(bound.error());
      if (*bound) end_position = (*bound)->position;
    }
    auto found = segment.find(options.offset, end_position);
    if (!found) return refuse(found.error());
    if (!*found) continue;

    uint64_t first_size = (*found)->size;
    uint64_t available = end_position - (*found)->position;
    result.first_batch_too_large = first_size > options.max_bytes && !options.at_least_one_batch;
    if (result.first_batch_too_large) return result;
    auto file = segment.file();
    if (!file) return refuse(file.error());
    // Of the very segments that are read: in those that take their place records may be gone, and
    // the transaction with them.
    if (options.with_aborted) {
      auto aborted = aborted_in(*list, options.offset, std::min(upper, next_base));
      if (!aborted) return refuse(aborted.error());
      result.aborted = std::move(*aborted);
    }
    uint64_t size = std::min(available, std::max(options.max_bytes, first_size));
    result.slice = {std::move(*file), (*found)->position, size};
    return result;
  }
  return result;
}

base::Result<std::vector<AbortedTransaction>> Log::aborted_transactions(int64_t from,
                                                                        int64_t to) const {
  return aborted_in(*segments_.load(), from, to);
}

base::Result<std::vector<AbortedTransaction>> Log::aborted_in(const SegmentList& list, int64_t from,
                                                              int64_t to) {
  std::vector<AbortedTransaction> aborted;
  for (size_t i = floor_segment(list, from); i < list.size(); ++i) {
    LH_ASSIGN(auto entries, list[i]->transactions().read());
    for (const auto& entry : entries) {
      if (entry.last_offset >= from && entry.first_offset < to) aborted.push_back(entry);
      // What ends later began above this one's last stable offset.
      if (entry.last_stable_offset >= to) return aborted;
    }
  }
  return aborted;
}

base::Result<std::optional<TimestampedOffset>> Log::offset_for_timestamp(int64_t timestamp) {
  auto list = segments_.load();
  for (const auto& segment : *list) {
    if (segment->max_timestamp() < timestamp) continue;
    auto found = segment->find_timestamp(timestamp, log_start_offset());
    bool gone = !found && found.error().code == Errc::kNotFound &&
                segment->base_offset() < log_start_offset();
    if (gone) continue;  // retention took it meanwhile
    if (!found) note_read_error(found.error());
    if (!found) return tl::unexpected(found.error());
    if (*found) {
      return TimestampedOffset{(*found)->offset, (*found)->timestamp, (*found)->leader_epoch};
    }
  }
  return std::nullopt;
}

base::Result<std::optional<TimestampedOffset>> Log::offset_of_max_timestamp() {
  auto list = segments_.load();
  auto newest = std::max_element(list->begin(), list->end(), [](const auto& a, const auto& b) {
    return a->max_timestamp() < b->max_timestamp();
  });
  auto looked = (*newest)->find_max_timestamp();
  if (!looked && looked.error().code == Errc::kNotFound && segments_.load() != list) {
    return offset_of_max_timestamp();  // retention or truncation took it meanwhile
  }
  if (!looked) note_read_error(looked.error());
  LH_ASSIGN(auto found, std::move(looked));
  if (!found) return std::nullopt;
  return TimestampedOffset{found->offset, found->timestamp, found->leader_epoch};
}

}  // namespace longhaul::broker::log
