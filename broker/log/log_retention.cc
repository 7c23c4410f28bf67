// What a log lets go: by time, size, and the log start offset.
#include <fmt/format.h>

#include <algorithm>

#include "broker/log/log.h"

namespace longhaul::broker::log {

using base::Errc;

base::Result<void> Log::advance_log_start_offset(int64_t offset) {
  std::lock_guard lock(mutex_);
  LH_TRY(fail_if_offline());
  if (offset > high_watermark()) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("{}: log start {} would be above the high watermark {}",
                                  id_.to_string(), offset, high_watermark()));
  }
  if (offset <= log_start_offset()) return {};
  log_start_.store(offset, std::memory_order_release);
  epochs_.truncate_from_start(offset);
  return {};
}

size_t Log::count_deletable(const SegmentList& list, int64_t now_ms, const char** why) const {
  auto config = config_.load();
  uint64_t total = 0;
  for (const auto& segment : list) total += segment->size();
  bool by_size = config->cleanup_delete && config->retention_bytes >= 0;
  bool by_time = config->cleanup_delete && config->retention_ms >= 0;
  size_t count = 0;
  for (; count < list.size(); ++count) {
    const Segment& segment = *list[count];
    bool is_last = count + 1 == list.size();
    int64_t next_base = is_last ? log_end_offset() : list[count + 1]->base_offset();
    if (next_base > high_watermark() || (is_last && segment.size() == 0)) break;
    bool below_start = !is_last && next_base <= log_start_offset();
    bool expired = by_time && now_ms - segment.retention_timestamp() > config->retention_ms;
    bool surplus =
        by_size && total >= segment.size() + static_cast<uint64_t>(config->retention_bytes);
    if (!below_start && !expired && !surplus) break;
    *why = below_start ? "the log start offset" : expired ? "retention.ms" : "retention.bytes";
    total -= segment.size();
  }
  return count;
}

base::Result<void> Log::delete_leading(const SegmentList& list, size_t count, int64_t now_ms) {
  int64_t start = std::max(log_start_offset(), list[count]->base_offset());
  log_start_.store(start, std::memory_order_release);
  clamp_high_watermark(high_watermark());
  epochs_.truncate_from_start(start);
  publish(
      std::make_shared<SegmentList>(list.begin() + static_cast<std::ptrdiff_t>(count), list.end()),
      log_end_offset(), list.back()->size());
  int64_t due_ms = now_ms + config_.load()->file_delete_delay_ms;
  for (size_t i = 0; i < count; ++i) {
    list[i]->mark_removed();
    for (const auto& path : list[i]->paths()) {
      std::string away = path + kDeletedExtension;
      auto renamed = files_.rename(path, away);
      if (renamed) removed_.push_back({away, due_ms});
      // A longer name may take room that there is not.
      if (!renamed && is_shortage(renamed.error())) renamed = files_.remove(path);
      if (!renamed && renamed.error().code != Errc::kNotFound) return renamed;
    }
  }
  directory_->mark_changed();
  return {};
}

/// Where all may go, a new segment begins. And once batches are gone, the snapshot behind them
/// alone tells what their producers sent: it is made durable first.
base::Result<void> Log::prepare_deletion(int64_t now_ms) {
  {
    std::lock_guard lock(mutex_);
    LH_TRY(fail_if_offline());
    const char* why = "";
    size_t count = count_deletable(*segments_.load(), now_ms, &why);
    if (count == 0) return {};
    if (count == segments_.load()->size()) LH_TRY(roll_locked(log_end_offset()));
    if ((*segments_.load())[count]->base_offset() < recovery_point()) return {};
  }
  return flush();
}

base::Result<size_t> Log::delete_old_segments(int64_t now_ms) {
  if (config_is_presumed()) return size_t{0};
  LH_TRY(prepare_deletion(now_ms));
  std::lock_guard flushing(flush_mutex_);
  std::unique_lock lock(mutex_);
  LH_TRY(fail_if_offline());
  auto list = segments_.load();
  const char* why = "";
  size_t count = std::min(count_deletable(*list, now_ms, &why), list->size() - 1);
  while (count > 0 && (*list)[count]->base_offset() > recovery_point()) --count;
  if (count == 0) return size_t{0};
  if (auto done = delete_leading(*list, count, now_ms); !done) {
    return tl::unexpected(go_offline(done.error()));
  }
  logger_.info("{}: {} segments go because of {}; the log starts at {}", id_.to_string(), count,
               why, log_start_offset());
  lock.unlock();
  // Or they would come back with a loss of power. Where that cannot be done for now, the checkpoint
  // goes on to say where the log starts.
  LH_TRY(tolerate_shortage(sync_directory()));
  return count;
}

void Log::remove_deleted_files(int64_t now_ms) {
  std::vector<RemovedFile> due;
  {
    std::lock_guard lock(mutex_);
    if (removed_.empty() || closed_) return;
    auto split = std::stable_partition(removed_.begin(), removed_.end(),
                                       [&](const auto& file) { return file.due_ms > now_ms; });
    due.assign(split, removed_.end());
    removed_.erase(split, removed_.end());
    if (removed_.empty()) removed_ = {};
  }
  for (const auto& file : due) {
    auto removed = files_.remove(file.path);
    // Compaction may have put away two of the same name.
    if (!removed && removed.error().code != Errc::kNotFound) {
      logger_.warn("{}: {}", id_.to_string(), removed.error().message);
    }
  }
}

}  // namespace longhaul::broker::log
