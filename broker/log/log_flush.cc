// Making a log durable, and closing it.
#include <algorithm>

#include "broker/log/log.h"
#include "broker/log/partition_metadata.h"

namespace longhaul::broker::log {

using base::Errc;

base::Result<void> Log::flush_segments(const SegmentList& list, int64_t from) {
  for (size_t i = 0; i < list.size(); ++i) {
    bool sealed = i + 1 < list.size();
    // Not `<=`: one that was rolled right after the last flush has indexes that were not synced.
    if (sealed && list[i + 1]->base_offset() < from) continue;
    auto file = list[i]->file();
    // Retention may have removed it meanwhile.
    if (!file && sealed && file.error().code == Errc::kNotFound) continue;
    if (!file) return tl::unexpected(file.error());
    // What a failed sync leaves of the data nobody can tell: the next may succeed without it.
    if (auto synced = (*file)->sync(); !synced) return tl::unexpected(go_offline(synced.error()));
    if (sealed) LH_TRY(list[i]->sync_indexes());
  }
  return {};
}

base::Result<void> Log::sync_small_files(int64_t from, int64_t snapshot) {
  if (snapshot >= from) {
    auto file = files_.open(directory_->segment_file(snapshot, kSnapshotExtension),
                            base::OpenMode::kReadWrite);
    if (file) LH_TRY((*file)->sync());
  }
  LH_TRY(epochs_.save(files_, directory_->file(kEpochCheckpointName)));
  return sync_directory();
}

base::Result<void> Log::tolerate_shortage(base::Result<void> result) {
  if (result || is_shortage(result.error())) return result;
  return tl::unexpected(go_offline(result.error()));
}

base::Result<void> Log::flush() {
  std::lock_guard flushing(flush_mutex_);
  std::unique_lock lock(mutex_);
  LH_TRY(fail_if_offline());
  auto list = segments_.load();
  int64_t from = recovery_point();
  int64_t end = log_end_offset();
  int64_t snapshot = snapshot_offset_;
  bool sync_metadata = metadata_unsynced_;
  lock.unlock();
  last_flush_ms_ = clock_.wall_ms();

  base::Result<void> flushed;
  if (end > from) flushed = flush_segments(*list, from);
  if (flushed && sync_metadata) flushed = sync_partition_metadata(*directory_);
  if (flushed) flushed = sync_small_files(from, snapshot);

  lock.lock();
  LH_TRY(tolerate_shortage(flushed));
  if (sync_metadata) metadata_unsynced_ = false;
  if (end > recovery_point()) recovery_point_.store(end, std::memory_order_release);
  return {};
}

bool Log::flush_is_due() const {
  return log_end_offset() - recovery_point() >= config_.load()->flush_messages;
}

base::Result<void> Log::flush_if_due(int64_t now_ms) {
  if (is_offline()) return {};
  auto list = segments_.load();
  bool unflushed = log_end_offset() > recovery_point();
  bool rolled = list->back()->base_offset() > recovery_point();
  bool late = now_ms - last_flush_ms_ >= config_.load()->flush_ms;
  if (!unflushed || (!rolled && !late)) return {};
  return flush();
}

base::Result<void> Log::close() {
  std::lock_guard flushing(flush_mutex_);
  std::lock_guard lock(mutex_);
  if (closed_) return {};
  LH_TRY(fail_if_offline());
  auto list = segments_.load();
  int64_t from = recovery_point();
  if (log_end_offset() == 0) {  // nothing was ever written: nothing is worth a sync
    closed_ = true;
    list->back()->close();
    return {};
  }
  base::Result<void> done = settle_truncation();
  if (done) done = list->back()->seal();
  if (done && log_end_offset() > from) done = flush_segments(*list, from);
  if (done) done = list->back()->sync_indexes();
  if (done) done = write_snapshot(true);
  if (done && metadata_unsynced_) done = sync_partition_metadata(*directory_);
  if (done) done = sync_small_files(from, -1);
  LH_TRY(tolerate_shortage(done));
  recovery_point_ = log_end_offset();
  closed_ = true;
  for (const auto& segment : *list) segment->close();
  return {};
}

base::Result<void> Log::rename_directory(const std::string& path) {
  std::lock_guard flushing(flush_mutex_);
  std::lock_guard lock(mutex_);
  LH_TRY(fail_if_offline());
  const std::string old = directory_->path();
  LH_TRY(files_.rename(old, path));
  directory_->set_path(path);
  for (RemovedFile& file : removed_) file.path = path + file.path.substr(old.size());
  return {};
}

// A new segment begins there, for what its producers were to be on disk too.
base::Result<void> Log::take_over(const Log& other, int64_t first_dirty) {
  std::scoped_lock lock(mutex_, other.mutex_);
  LH_TRY(fail_if_offline());
  epochs_.clear();
  for (const EpochEntry& each : other.epochs_.entries())
    epochs_.assign(each.epoch, each.start_offset);
  producers_ = other.producers_;
  note_undecided();
  first_dirty_ = std::min(first_dirty, log_end_offset());
  return roll_locked(log_end_offset());
}

base::Result<void> Log::abandon(const std::string& path) {
  std::lock_guard flushing(flush_mutex_);
  std::lock_guard lock(mutex_);
  LH_TRY(files_.rename(directory_->path(), path));
  closed_ = true;
  directory_->set_path(path);
  auto list = segments_.load();
  for (const auto& segment : *list) segment->mark_removed();
  return {};
}

}  // namespace longhaul::broker::log
