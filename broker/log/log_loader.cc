#include "broker/log/log_loader.h"

#include <algorithm>
#include <limits>

#include "broker/log/partition_metadata.h"
#include "broker/log/settle_swaps.h"
#include "broker/log/write_again.h"

namespace longhaul::broker::log {

using base::Errc;

namespace {

/// So much is recovered between two looks at whether to go on.
constexpr size_t kAskAfterBytes = 4 << 20;

}  // namespace

base::Result<std::shared_ptr<Log>> Log::open(Params params) {
  return LogLoader(std::move(params)).load();
}

LogLoader::LogLoader(Log::Params params) : params_(params), log_(new Log(std::move(params))) {}

base::Result<std::shared_ptr<Log>> LogLoader::load() {
  LH_TRY(list_files());
  LH_TRY(load_topic_id());
  LH_TRY(adopt_segments());
  if (sync_failed_) LH_TRY(write_again());
  LH_TRY(load_epochs());
  LH_TRY(open_segments());
  LH_TRY(finish());
  return log_;
}

base::Result<void> LogLoader::list_files() {
  auto entries = params_.files->list(params_.path);
  bool unsettled =
      entries && std::any_of(entries->begin(), entries->end(), [](const auto& entry) {
        return entry.name.ends_with(kSwapExtension) || entry.name.ends_with(kCleanedExtension);
      });
  if (unsettled) {
    LH_TRY(settle_swaps(*params_.files, params_.path));
    entries = params_.files->list(params_.path);
  }
  if (!entries && entries.error().code == Errc::kNotFound) {
    log_->directory_->mark_changed();
    return params_.files->create_directories(params_.path);
  }
  if (!entries) return tl::unexpected(entries.error());
  if (was_flushed()) log_->directory_->mark_old();
  // What whoever was killed has removed is not durably gone either.
  if (!was_flushed() || !params_.clean) log_->directory_->mark_changed();
  for (const auto& entry : *entries) {
    std::string path = params_.path + "/" + entry.name;
    if (entry.name.ends_with(kDeletedExtension) || entry.name.ends_with(".tmp")) {
      LH_TRY(params_.files->remove(path));
      log_->directory_->mark_changed();
    } else if (entry.name == kSyncFailedName) {
      sync_failed_ = true;
    } else if (auto base_offset = parse_segment_file(entry.name, kLogExtension)) {
      files_[*base_offset].log = entry.size;
    } else if (auto of_index = parse_segment_file(entry.name, kOffsetIndexExtension)) {
      files_[*of_index].offset_index = entry.size;
    } else if (auto of_times = parse_segment_file(entry.name, kTimeIndexExtension)) {
      files_[*of_times].time_index = entry.size;
    }
  }
  return {};
}

/// What the next flush is to make durable.
base::Result<void> LogLoader::write_again() {
  log_->logger_.warn("{}: a disk error had stopped it; what it flushes next is written again",
                     params_.id.to_string());
  for (size_t i = first_untrusted(); i < segments_.size(); ++i) {
    LH_TRY(log::write_again(*params_.files, log_->directory_->segment_file(
                                                segments_[i]->base_offset(), kLogExtension)));
  }
  std::string metadata = log_->directory_->file(kPartitionMetadataName);
  if (!was_flushed() && params_.files->exists(metadata)) {
    LH_TRY(log::write_again(*params_.files, metadata));
  }
  return params_.files->remove(log_->directory_->file(kSyncFailedName));
}

base::Result<void> LogLoader::load_topic_id() {
  auto topic_id = read_partition_metadata(*log_->directory_);
  if (!topic_id && topic_id.error().code == Errc::kCorrupt) {
    LH_TRY(forget_torn(topic_id.error()));
    topic_id = std::nullopt;
  }
  if (!topic_id) return tl::unexpected(topic_id.error());
  if (*topic_id) {
    log_->topic_id_ = **topic_id;
    log_->metadata_unsynced_ = !was_flushed();
  }
  if (*topic_id || params_.topic_id.is_zero()) return {};
  return log_->set_topic_id(params_.topic_id);
}

/// The topic ID is durable before any batch is. Where it is torn, nothing was flushed yet, and what
/// batches there are may be of a deleted topic that had this name.
base::Result<void> LogLoader::forget_torn(const base::Error& why) {
  bool has_data = std::any_of(files_.begin(), files_.end(),
                              [](const auto& file) { return file.second.log.value_or(0) > 0; });
  if (params_.clean || was_flushed() || params_.recovery_point_lost) {
    if (has_data) return tl::unexpected(why);
    return {};
  }
  log_->logger_.warn("{}; it was never flushed: it begins anew, empty", why.message);
  LH_ASSIGN(auto entries, params_.files->list(params_.path));
  // Newest first, and last the file that has us do this: a crash between two leaves no hole.
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (entry->name == kPartitionMetadataName) continue;
    LH_TRY(params_.files->remove(params_.path + "/" + entry->name));
  }
  LH_TRY(params_.files->remove(params_.path + "/" + kPartitionMetadataName));
  LH_TRY(sync_removals());
  files_.clear();
  sync_failed_ = false;  // its marker went with the others
  return {};
}

/// Else a loss of power after the next clean stop, which need not flush a log that is empty now,
/// would bring back what was removed.
base::Result<void> LogLoader::sync_removals() {
  return params_.files->sync_directory(params_.path);
}

base::Result<void> LogLoader::adopt_segments() {
  int64_t now_ms = params_.clock->wall_ms();
  for (const auto& [base_offset, sizes] : files_) {
    auto segment = std::make_shared<Segment>(log_->directory_, base_offset, now_ms);
    if (!sizes.log) {  // indexes without a segment
      for (const auto& path : {segment->paths()[1], segment->paths()[2]}) {
        auto removed = params_.files->remove(path);
        if (!removed && removed.error().code != Errc::kNotFound) return removed;
      }
      continue;
    }
    segment->adopt(*sizes.log, sizes.offset_index, sizes.time_index);
    segments_.push_back(std::move(segment));
  }
  if (!segments_.empty()) return {};
  auto segment = std::make_shared<Segment>(log_->directory_, params_.log_start_offset, now_ms);
  LH_TRY(segment->create());
  segments_.push_back(std::move(segment));
  return {};
}

base::Result<void> LogLoader::load_epochs() {
  std::string path = log_->directory_->file(kEpochCheckpointName);
  bool has_data = std::any_of(segments_.begin(), segments_.end(),
                              [](const auto& segment) { return segment->size() > 0; });
  auto loaded = log_->epochs_.load(*params_.files, path);
  if (!loaded && loaded.error().code != Errc::kCorrupt) return loaded;
  if (!loaded)
    log_->logger_.warn("{}; reading the epochs from the batches", loaded.error().message);
  rebuild_epochs_ = !loaded || (has_data && !params_.files->exists(path));
  return {};
}

size_t LogLoader::first_untrusted() const {
  if (params_.clean) return segments_.size();
  // A segment that ends at the recovery point itself may have been rolled after the flush: its
  // indexes are not durable. Only the next flush takes care of them.
  size_t first = 0;
  while (first + 1 < segments_.size() &&
         segments_[first + 1]->base_offset() < params_.recovery_point) {
    ++first;
  }
  return first;
}

void LogLoader::publish(size_t count) {
  log_->segments_.store(std::make_shared<Log::SegmentList>(
      segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count)));
}

/// After an orderly stop all is, and the recovery point is the log's end.
int64_t LogLoader::durable_end(size_t i) const {
  bool is_last = i + 1 == segments_.size();
  int64_t next_base = is_last ? params_.recovery_point : segments_[i + 1]->base_offset();
  return params_.clean ? next_base : std::min(next_base, params_.recovery_point);
}

base::Result<void> LogLoader::open_trusted(size_t i) {
  Segment& segment = *segments_[i];
  auto next = segment.open_trusted(*params_.config);
  if (next) {
    next_offset_ = *next;
    segment.close();
    return {};
  }
  // An index that points anywhere finds anything.
  if (next.error().code != Errc::kCorrupt && next.error().code != Errc::kUnsupported) {
    return tl::unexpected(next.error());
  }
  log_->logger_.warn("{}; building the indexes anew", next.error().message);
  auto visit = [](const records::BatchHeader&, base::ByteView) { return base::Result<void>(); };
  LH_ASSIGN(auto recovered, segment.recover(*params_.config, -1, durable_end(i), visit));
  if (!recovered.why.empty()) {
    log_->logger_.error("{}: {}", segment.paths()[0], recovered.why);
  }
  LH_TRY(segment.seal());
  next_offset_ = recovered.next_offset;
  segment.close();
  return {};
}

base::Result<void> LogLoader::open_segments() {
  size_t first = first_untrusted();
  for (size_t i = 0; i < first; ++i) {
    LH_TRY(open_trusted(i));
  }
  publish(segments_.size());
  if (params_.clean && was_flushed()) log_->durable_base_ = segments_.front()->base_offset();
  log_->log_start_ = std::max(params_.log_start_offset, segments_.front()->base_offset());
  if (rebuild_epochs_) {
    log_->epochs_.clear();
    auto assign = [&](const records::BatchHeader& header, base::ByteView) -> base::Result<void> {
      log_->epochs_.assign(header.partition_leader_epoch, header.base_offset);
      return {};
    };
    for (size_t i = 0; i < first; ++i) {
      LH_TRY(log_->tolerate_damage(
          segments_[i]->scan(0, std::numeric_limits<int64_t>::max(), assign)));
    }
  }
  if (first == segments_.size()) {
    log_->move_end(next_offset_);
    return log_->reload_producers(next_offset_);
  }
  return recover_from(first);
}

base::Result<void> LogLoader::recover_from(size_t first) {
  next_offset_ = segments_[first]->base_offset();
  // Of what is read an epoch before it bounds the epochs.
  last_epoch_ = log_->epochs_.epoch_of(next_offset_ - 1).value_or(-1);
  LH_TRY(log_->reload_producers(next_offset_));
  size_t kept = first;
  while (kept < segments_.size()) {
    LH_ASSIGN(bool goes_on, recover_one(kept));
    if (!goes_on) break;
    ++kept;
  }
  if (kept < segments_.size()) {
    log_->logger_.warn("{}: removing {} segments after offset {}", params_.id.to_string(),
                       segments_.size() - kept, next_offset_);
    LH_TRY(log_->remove_segments_from(segments_, kept));
    LH_TRY(sync_removals());
    segments_.resize(kept);
  }
  publish(kept);
  return {};
}

/// What compaction leaves of segments is durable, as is what is below the recovery point. Elsewhere
/// each segment begins where the one before ends, or what lay between was lost.
bool LogLoader::may_be_gap(int64_t end) const {
  return params_.recovery_point_lost || end <= params_.recovery_point ||
         end <= params_.first_dirty_offset;
}

/// True if the segment is part of the log; what comes after one that was cut is not.
base::Result<bool> LogLoader::recover_one(size_t i) {
  Segment& segment = *segments_[i];
  int64_t base_offset = segment.base_offset();
  bool follows =
      base_offset == next_offset_ || (base_offset > next_offset_ && may_be_gap(base_offset));
  if (!follows || cut_) return false;
  publish(i + 1);
  log_->move_end(base_offset);
  // Older ones, and what follows them, tell the same.
  if (auto written = log_->write_snapshot(false); !written && !is_shortage(written.error())) {
    return tl::unexpected(written.error());
  }
  LH_TRY(segment.transactions().remove());  // built anew on the way
  auto visit = [&](const records::BatchHeader& header, base::ByteView bytes) -> base::Result<void> {
    LH_TRY(go_on(header.size_bytes()));
    log_->epochs_.confirm(header.partition_leader_epoch, header.base_offset);
    return log_->note_producer({header, bytes});
  };
  LH_ASSIGN(auto recovered, segment.recover(*params_.config, last_epoch_, durable_end(i), visit));
  next_offset_ = recovered.next_offset;
  last_epoch_ = recovered.last_epoch;
  cut_ = recovered.cut_bytes > 0;
  log_->move_end(next_offset_);
  if (!cut_ && !recovered.why.empty()) {
    log_->logger_.error("{}: {}", segment.paths()[0], recovered.why);
  }
  if (cut_) {
    log_->logger_.warn("{}: cut {} bytes after offset {}: {}", segment.paths()[0],
                       recovered.cut_bytes, next_offset_, recovered.why);
  }
  segment.close();
  return true;
}

base::Result<void> LogLoader::go_on(size_t bytes_read) {
  read_since_asked_ += bytes_read;
  if (read_since_asked_ < kAskAfterBytes) return {};
  read_since_asked_ = 0;
  if (!params_.cancelled || !params_.cancelled()) return {};
  return base::fail(Errc::kCancelled, params_.id.to_string() + ": the recovery was called off");
}

base::Result<void> LogLoader::finish() {
  int64_t end = log_->log_end_offset();
  log_->recovery_point_ = params_.clean ? end : std::min(params_.recovery_point, end);
  // What comes from here on is not compacted, whatever once stood there.
  if (log_->first_dirty_offset() > end) log_->first_dirty_ = 0;
  if (log_->log_start_offset() > end) {
    log_->logger_.warn("{}: ends at {}, below its start {}", params_.id.to_string(), end,
                       log_->log_start_offset());
    // Nobody can ask for checkpoints of a log that is not there yet.
    log_->write_checkpoints_ = nullptr;
    LH_TRY(log_->start_over_locked(log_->log_start_offset()));
    LH_TRY(log_->settle_truncation());
    log_->write_checkpoints_ = params_.write_checkpoints;
  }
  log_->epochs_.truncate_from_end(log_->log_end_offset());
  log_->epochs_.truncate_from_start(log_->log_start_offset());
  log_->move_end(log_->log_end_offset());
  log_->segments_.load()->back()->close();  // idle until somebody uses it
  log_->clamp_high_watermark(params_.high_watermark);
  log_->note_undecided();
  // Or, as soon as there is a checkpoint again, its gaps would be losses to the next start.
  if (params_.recovery_point_lost && !params_.clean) LH_TRY(log_->flush());
  return {};
}

}  // namespace longhaul::broker::log
