// What a log does for its compaction: says what there is to do, and takes what was made of it.
#include <algorithm>

#include "broker/log/log.h"

namespace longhaul::broker::log {

using base::Errc;

namespace {

/// False if there is no such file.
base::Result<bool> rename_if_there(base::FileSystem& files, const std::string& from,
                                   const std::string& to) {
  auto renamed = files.rename(from, to);
  if (renamed) return true;
  if (renamed.error().code == Errc::kNotFound) return false;
  return tl::unexpected(renamed.error());
}

/// Absent: there is no such file.
base::Result<std::optional<uint64_t>> file_size(base::FileSystem& files, const std::string& path) {
  auto file = files.open(path, base::OpenMode::kRead);
  if (!file && file.error().code == Errc::kNotFound) return std::nullopt;
  if (!file) return tl::unexpected(file.error());
  LH_ASSIGN(uint64_t size, (*file)->size());
  return size;
}

}  // namespace

Cleanable Log::cleanable(int64_t now_ms) const {
  std::lock_guard lock(mutex_);
  auto config = config_.load();
  auto list = segments_.load();
  Cleanable found;
  found.truncations = truncations_;
  bool fits =
      first_dirty_offset() >= log_start_offset() && first_dirty_offset() <= log_end_offset();
  found.first_dirty = fits ? first_dirty_offset() : log_start_offset();
  // What is not decided yet, and the segment that is written to, are left alone.
  int64_t limit = std::min(last_stable_offset(), list->back()->base_offset());
  found.segments_end = list->front()->base_offset();
  for (size_t i = 0; i + 1 < list->size(); ++i) {
    const auto& segment = (*list)[i];
    int64_t next_base = (*list)[i + 1]->base_offset();
    bool dirty = next_base > found.first_dirty;
    bool too_new = config->min_compaction_lag_ms > 0 &&
                   segment->retention_timestamp() > now_ms - config->min_compaction_lag_ms;
    if (dirty && too_new) limit = std::min(limit, segment->base_offset());
    if (segment->base_offset() >= limit) break;
    found.segments.push_back(segment);
    found.segments_end = next_base;
    (dirty ? found.dirty_bytes : found.clean_bytes) += segment->size();
    int64_t since = segment->first_timestamp();
    found.is_overdue |= dirty && since >= 0 && since < now_ms - config->max_compaction_lag_ms;
  }
  found.end = std::max(limit, found.first_dirty);
  if (found.end == found.first_dirty) found.dirty_bytes = 0;
  return found;
}

base::Result<void> Log::secure_below(int64_t offset) {
  if (recovery_point() < offset) LH_TRY(flush());
  return write_checkpoints();
}

/// All but the ends of this goes without mutex_, so that appends go on: whoever takes away segments
/// or renames them holds flush_mutex_.
base::Result<void> Log::replace_segments(std::span<const SegmentPtr> old, uint64_t truncations,
                                         const LogConfig& config) {
  std::lock_guard flushing(flush_mutex_);
  {
    std::lock_guard lock(mutex_);
    LH_TRY(fail_if_offline());
    auto list = segments_.load();
    auto at = std::find(list->begin(), list->end(), old.front());
    bool same = truncations_ == truncations && list->end() - at > std::ssize(old) &&
                std::equal(old.begin(), old.end(), at);
    if (!same) return base::fail(Errc::kConflict, id_.to_string() + " has changed meanwhile");
  }
  if (auto begun = begin_swap(old); !begun) {
    for (const auto& segment : old) segment->unpin();
    return begun;
  }
  auto fresh = swap_in(old, config);
  if (!fresh) return tl::unexpected(go_offline(fresh.error()));
  std::lock_guard lock(mutex_);
  auto list = segments_.load();  // others may have been begun
  auto at = std::find(list->begin(), list->end(), old.front());
  auto next = std::make_shared<SegmentList>(list->begin(), at);
  next->push_back(std::move(*fresh));
  next->insert(next->end(), at + std::ssize(old), list->end());
  publish(std::move(next), log_end_offset(), list->back()->size());
  return {};
}

base::Result<void> Log::begin_swap(std::span<const SegmentPtr> old) {
  for (const auto& segment : old) LH_TRY(segment->pin());
  std::string path = directory_->segment_file(old.front()->base_offset(), kLogExtension);
  return files_.rename(path + kCleanedExtension, path + kSwapExtension);
}

/// The order of these steps is what `settle_swaps` relies on; docs/formats/log-directory.md.
base::Result<std::shared_ptr<Segment>> Log::swap_in(std::span<const SegmentPtr> old,
                                                    const LogConfig& config) {
  int64_t base_offset = old.front()->base_offset();
  auto path_of = [&](const char* extension) {
    return directory_->segment_file(base_offset, extension);
  };
  for (const char* extension : kIndexExtensions) {
    std::string path = path_of(extension);
    LH_TRY(rename_if_there(files_, path + kCleanedExtension, path + kSwapExtension));
  }
  // From here on there is no way back.
  LH_TRY(files_.sync_directory(directory_->path()));
  int64_t due_ms = clock_.wall_ms() + config_.load()->file_delete_delay_ms;
  for (const auto& segment : old) {
    for (const auto& path : segment->paths()) {
      // Producers as of the first segment's beginning are still of use there.
      if (segment == old.front() && path.ends_with(kSnapshotExtension)) continue;
      LH_ASSIGN(bool was_there, rename_if_there(files_, path, path + kDeletedExtension));
      if (!was_there) continue;
      std::lock_guard lock(mutex_);
      removed_.push_back({path + kDeletedExtension, due_ms});
    }
  }
  LH_TRY(files_.sync_directory(directory_->path()));
  LH_TRY(files_.rename(path_of(kLogExtension) + kSwapExtension, path_of(kLogExtension)));
  for (const char* extension : kIndexExtensions) {
    std::string path = path_of(extension);
    LH_TRY(rename_if_there(files_, path + kSwapExtension, path));
  }
  LH_TRY(files_.sync_directory(directory_->path()));
  auto fresh =
      std::make_shared<Segment>(directory_, base_offset, old.back()->retention_timestamp());
  LH_ASSIGN(auto size, file_size(files_, path_of(kLogExtension)));
  LH_ASSIGN(auto of_offsets, file_size(files_, path_of(kOffsetIndexExtension)));
  LH_ASSIGN(auto of_times, file_size(files_, path_of(kTimeIndexExtension)));
  fresh->adopt(size.value_or(0), of_offsets, of_times);
  LH_TRY(fresh->open_trusted(config));
  return fresh;
}

base::Result<void> Log::finish_compaction(int64_t first_dirty, uint64_t truncations) {
  {
    std::lock_guard lock(mutex_);
    if (truncations_ != truncations) return {};
    first_dirty_ = first_dirty;
  }
  return write_checkpoints();
}

}  // namespace longhaul::broker::log
