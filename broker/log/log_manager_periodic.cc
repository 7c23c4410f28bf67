// What has to be done to all logs every now and then, and at the end.
#include <algorithm>

#include "broker/log/clean_shutdown.h"
#include "broker/log/log_manager_directory.h"

namespace longhaul::broker::log {

using base::Errc;

size_t LogManager::delete_old_segments() {
  size_t deleted = 0;
  for (const auto& [log, directory, id, is_future] : held()) {
    auto done = log->delete_old_segments(params_.clock->wall_ms());
    if (done) deleted += *done;
    if (!done) params_.logger.warn("retention: {}", done.error().message);
  }
  return deleted;
}

void LogManager::flush_due() {
  for (const auto& log : open_logs(nullptr)) {
    auto flushed = log->flush_if_due(params_.clock->wall_ms());
    if (!flushed) params_.logger.warn("flush: {}", flushed.error().message);
  }
}

base::Result<void> LogManager::check(Directory& directory, base::Result<void> done) {
  if (!done && !is_shortage(done.error())) fail_directory(directory.path, done.error());
  return done;
}

base::Result<void> LogManager::write_checkpoints(Directory& directory) {
  return check(directory, write_offsets(directory));
}

base::Result<void> LogManager::write_offsets(Directory& directory) {
  std::lock_guard writing(directory.checkpoint_mutex);
  if (!directory.loaded || !directory.online) return {};
  OffsetCheckpoint recovery_points;
  OffsetCheckpoint log_starts;
  OffsetCheckpoint first_dirty;
  for (const auto& log : open_logs(&directory)) {
    std::pair<std::string, int32_t> key{log->id().topic, log->id().partition};
    recovery_points[key] = log->recovery_point();
    int64_t start = log->log_start_offset();
    if (start > log->durable_base_offset()) log_starts[key] = start;
    if (log->first_dirty_offset() > 0) first_dirty[key] = log->first_dirty_offset();
  }
  base::FileSystem& files = *params_.files;
  LH_TRY(write_offset_checkpoint(files, directory.file(kLogStartsName), log_starts));
  LH_TRY(write_offset_checkpoint(files, directory.file(kRecoveryPointsName), recovery_points));
  LH_TRY(write_offset_checkpoint(files, directory.file(kFirstDirtyName), first_dirty));
  std::lock_guard lock(mutex_);
  std::erase_if(directory.stale, [&](const auto& key) { return !recovery_points.contains(key); });
  return {};
}

base::Result<void> LogManager::write_high_watermarks(Directory& directory) {
  std::lock_guard writing(directory.checkpoint_mutex);
  if (!directory.loaded || !directory.online) return {};
  OffsetCheckpoint offsets;
  for (const auto& log : open_logs(&directory)) {
    offsets[{log->id().topic, log->id().partition}] = log->high_watermark();
  }
  return check(directory, write_offset_checkpoint(*params_.files,
                                                  directory.file(kHighWatermarksName), offsets));
}

void LogManager::write_checkpoints() {
  for (const auto& directory : directories_) {
    auto written = write_checkpoints(*directory);
    if (!written) params_.logger.warn("checkpoint: {}", written.error().message);
  }
}

void LogManager::write_high_watermarks() {
  for (const auto& directory : directories_) {
    auto written = write_high_watermarks(*directory);
    if (!written) params_.logger.warn("checkpoint: {}", written.error().message);
  }
}

void LogManager::expire_producers() {
  for (const auto& log : logs()) log->expire_producers(params_.clock->wall_ms());
}

void LogManager::remove_deleted() {
  int64_t now_ms = params_.clock->wall_ms();
  for (const auto& log : open_logs(nullptr)) log->remove_deleted_files(now_ms);
  std::vector<Doomed> due;
  {
    std::lock_guard lock(mutex_);
    auto split = std::stable_partition(doomed_.begin(), doomed_.end(),
                                       [&](const auto& one) { return one.due_ms > now_ms; });
    due.assign(split, doomed_.end());
    doomed_.erase(split, doomed_.end());
  }
  for (const auto& one : due) {
    if (auto removed = params_.files->remove_all(one.path); !removed) {
      params_.logger.warn("deleting: {}", removed.error().message);
    }
  }
}

void LogManager::close_idle_files() {
  for (const auto& log : open_logs(nullptr)) log->close_idle_files();
}

base::Result<void> LogManager::close_directory(Directory& directory, int64_t broker_epoch) {
  base::Result<void> result;
  for (const auto& log : open_logs(&directory)) {
    if (auto closed = log->close(); !closed) result = closed;
  }
  if (!directory.loaded) return result;
  if (auto written = write_checkpoints(directory); !written) result = written;
  if (auto written = write_high_watermarks(directory); !written) result = written;
  if (!result || !directory.online) return result;
  return write_clean_shutdown(*params_.files, directory.path, {broker_epoch});
}

base::Result<void> LogManager::shutdown(int64_t broker_epoch) {
  base::Result<void> result;
  for (const auto& directory : directories_) {
    if (!directory->online) continue;
    auto closed = close_directory(*directory, broker_epoch);
    if (closed) continue;
    params_.logger.error("{}: not stopped in order: {}", directory->path, closed.error().message);
    result = closed;
  }
  return result;
}

}  // namespace longhaul::broker::log
