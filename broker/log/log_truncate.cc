// Cutting a log back: a follower that diverged from its leader.
#include <algorithm>

#include "broker/log/log.h"
#include "broker/log/partition_metadata.h"
#include "broker/log/producer_snapshot.h"

namespace longhaul::broker::log {

using base::Errc;

base::Result<void> Log::remove_segments_from(const SegmentList& list, size_t first) {
  // Newest first: a crash between two leaves no hole.
  for (size_t i = list.size(); i-- > first;) {
    list[i]->mark_removed();
    for (const auto& path : list[i]->paths()) {
      auto removed = files_.remove(path);
      if (!removed && removed.error().code != Errc::kNotFound) return removed;
    }
  }
  directory_->mark_changed();
  return {};
}

base::Result<void> Log::truncate_to(int64_t offset) {
  std::lock_guard flushing(flush_mutex_);
  std::lock_guard lock(mutex_);
  LH_TRY(fail_if_offline());
  if (offset >= log_end_offset()) {
    // An epoch that we led without a record begins there; the leader does not know it.
    epochs_.truncate_from_end(offset);
    auto forgotten = epochs_.save(files_, directory_->file(kEpochCheckpointName));
    if (forgotten) forgotten = sync_directory();
    if (forgotten) forgotten = settle_truncation();
    return tolerate_shortage(forgotten);
  }
  bool is_within = offset >= segments_.load()->front()->base_offset();
  auto done = is_within ? truncate_locked(offset) : start_over_locked(offset);
  bool is_as_before = is_within && log_end_offset() > offset;
  if (!done && is_as_before && is_shortage(done.error())) return done;
  if (!done) return tl::unexpected(go_offline(done.error()));
  LH_TRY(tolerate_shortage(settle_truncation()));
  logger_.info("{}: truncated to {}", id_.to_string(), log_end_offset());
  return {};
}

base::Result<void> Log::settle_truncation() {
  if (!truncation_owed_) return {};
  LH_TRY(epochs_.save(files_, directory_->file(kEpochCheckpointName)));
  // The recovery point, wherever it is, says that this was flushed.
  if (checkpoints_are_stale_ && metadata_unsynced_) {
    LH_TRY(sync_partition_metadata(*directory_));
    metadata_unsynced_ = false;
  }
  LH_TRY(sync_directory());
  // Else a crash would trust what is written from here up to the old recovery point, or a restart
  // drop what lies below an old start.
  if (checkpoints_are_stale_) LH_TRY(write_checkpoints());
  LH_TRY(reload_producers(log_end_offset()));
  checkpoints_are_stale_ = false;
  truncation_owed_ = false;
  return {};
}

/// What was compacted above `end` is no more, and what comes in its place is not compacted.
void Log::note_truncation(int64_t end) {
  ++truncations_;
  if (end < first_dirty_offset()) first_dirty_ = end;
}

base::Result<void> Log::truncate_locked(int64_t offset) {
  auto list = segments_.load();
  size_t last = list->size() - 1;
  while ((*list)[last]->base_offset() > offset) --last;
  Segment& segment = *(*list)[last];
  LH_ASSIGN(auto cut, segment.find(offset, segment.size()));
  uint64_t position = cut ? cut->position : segment.size();
  // A batch goes as a whole; then the log ends where it began.
  int64_t end = cut ? std::min(offset, cut->base_offset) : offset;

  // Else a crash would trust what is written from here up to the old recovery point, and take what
  // is half cut off for rot.
  if (end < recovery_point()) {
    recovery_point_ = end;
    LH_TRY(write_checkpoints());
  }
  auto kept = std::make_shared<SegmentList>(list->begin(),
                                            list->begin() + static_cast<std::ptrdiff_t>(last) + 1);
  publish(std::move(kept), end, position);
  note_truncation(end);
  checkpoints_are_stale_ |= end < log_start_offset();
  if (end < log_start_offset()) log_start_ = end;
  clamp_high_watermark(high_watermark());
  truncation_owed_ = true;
  LH_TRY(remove_segments_from(*list, last + 1));
  LH_TRY(segment.truncate(position, end));
  LH_TRY(segment.sync());
  epochs_.truncate_from_end(end);
  return {};
}

base::Result<void> Log::load_snapshot(int64_t end) {
  auto list = segments_.load();
  auto begins_at = [&](int64_t offset) {
    return std::any_of(list->begin(), list->end(),
                       [&](const auto& segment) { return segment->base_offset() == offset; });
  };
  LH_ASSIGN(auto entries, files_.list(directory_->path()));
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    auto offset = parse_segment_file(entry->name, kSnapshotExtension);
    if (!offset) continue;
    std::string path = directory_->file(entry->name);
    // Older ones are of use where a recovery may begin: at a segment's base.
    if (snapshot_offset_ >= 0 && begins_at(*offset)) continue;
    if (*offset <= end && snapshot_offset_ < 0) {
      auto known = read_producer_snapshot(files_, path);
      if (known) {
        for (const auto& producer : *known) producers_.insert(producer);
        snapshot_offset_ = *offset;
        continue;
      }
      bool is_unread = known.error().code == Errc::kIo || is_shortage(known.error());
      if (is_unread) return tl::unexpected(known.error());
      logger_.warn("{}: removing a producer snapshot: {}", id_.to_string(), known.error().message);
    }
    LH_TRY(files_.remove(path));
  }
  return {};
}

base::Result<void> Log::tolerate_damage(base::Result<void> result) const {
  if (result || !is_rot(result.error())) return result;
  logger_.error("{}: {}", id_.to_string(), result.error().message);
  return {};
}

base::Result<void> Log::reload_producers(int64_t end) {
  producers_.clear();
  snapshot_offset_ = -1;
  LH_TRY(load_snapshot(end));
  int64_t from = std::max(snapshot_offset_, log_start_offset());
  auto apply = [&](const records::BatchHeader& header, base::ByteView bytes) -> base::Result<void> {
    if (header.base_offset >= from) producers_.apply(header, parse_end_marker({header, bytes}));
    return {};
  };
  auto list = segments_.load();
  for (size_t i = 0; i < list->size() && (*list)[i]->base_offset() < end; ++i) {
    if (i + 1 < list->size() && (*list)[i + 1]->base_offset() <= from) continue;
    LH_TRY(tolerate_damage((*list)[i]->scan(from, end, apply)));
  }
  note_undecided();
  return {};
}

/// What they say of producers was in a log that is gone, and need not be in the one to come.
base::Result<void> Log::remove_snapshots() {
  LH_ASSIGN(auto entries, files_.list(directory_->path()));
  for (const auto& entry : entries) {
    if (!parse_segment_file(entry.name, kSnapshotExtension)) continue;
    LH_TRY(files_.remove(directory_->file(entry.name)));
  }
  return {};
}

base::Result<void> Log::start_over_locked(int64_t offset) {
  auto list = segments_.load();
  auto segment = std::make_shared<Segment>(directory_, offset, clock_.wall_ms());
  LH_TRY(remove_segments_from(*list, 0));
  LH_TRY(remove_snapshots());
  LH_TRY(segment->create());
  auto fresh = std::make_shared<SegmentList>();
  fresh->push_back(std::move(segment));
  publish(std::move(fresh), offset, 0);
  note_truncation(offset);
  log_start_ = offset;
  high_watermark_ = offset;
  recovery_point_ = offset;
  epochs_.clear();
  checkpoints_are_stale_ = true;
  truncation_owed_ = true;
  return {};
}

base::Result<void> Log::truncate_fully_and_start_at(int64_t offset) {
  std::lock_guard flushing(flush_mutex_);
  std::lock_guard lock(mutex_);
  LH_TRY(fail_if_offline());
  if (auto done = start_over_locked(offset); !done) {
    return tl::unexpected(go_offline(done.error()));
  }
  LH_TRY(tolerate_shortage(settle_truncation()));
  logger_.info("{}: starts over at {}", id_.to_string(), offset);
  return {};
}

}  // namespace longhaul::broker::log
