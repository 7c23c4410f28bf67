#include "broker/log/segment.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "base/random.h"

namespace longhaul::broker::log {

using base::Errc;

Segment::Segment(std::shared_ptr<LogDirectory> directory, int64_t base_offset, int64_t now_ms)
    : directory_(directory),
      base_offset_(base_offset),
      seen_ms_(now_ms),
      offsets_(directory, base_offset),
      times_(directory, base_offset),
      transactions_(directory, base_offset) {}

base::Result<void> Segment::create() {
  std::string path = directory_->segment_file(base_offset_, kLogExtension);
  LH_ASSIGN(std::shared_ptr<base::File> file,
            directory_->files().open(path, base::OpenMode::kCreateNew));
  directory_->mark_changed();
  std::lock_guard lock(file_mutex_);
  file_ = std::move(file);
  used_ = true;
  return {};
}

void Segment::adopt(uint64_t size, std::optional<uint64_t> offset_index_size,
                    std::optional<uint64_t> time_index_size) {
  size_ = size;
  if (offset_index_size) offsets_.file().adopt(*offset_index_size);
  if (time_index_size) times_.file().adopt(*time_index_size);
}

int64_t Segment::retention_timestamp() const {
  int64_t newest = max_timestamp();
  return newest >= 0 ? newest : seen_ms_;
}

bool Segment::should_roll(const LogConfig& config, int64_t now_ms, const Incoming& incoming) const {
  uint64_t have = size();
  if (incoming.last_offset - base_offset_ > std::numeric_limits<int32_t>::max()) return true;
  if (have == 0) return false;
  if (have + incoming.bytes > static_cast<uint64_t>(config.segment_bytes)) return true;
  // As long as records have timestamps, theirs count; an old record into an old segment is fine.
  int64_t age = first_timestamp_ >= 0 && incoming.max_timestamp >= 0
                    ? incoming.max_timestamp - first_timestamp_
                    : now_ms - seen_ms_;
  if (age > roll_after_ms(config)) return true;
  auto limit = static_cast<size_t>(config.segment_index_bytes);
  return offsets_.file().count() >= limit / OffsetIndex::kEntrySize ||
         times_.file().count() + 1 >= limit / TimeIndex::kEntrySize;
}

int64_t Segment::roll_after_ms(const LogConfig& config) const {
  // Records are not compacted before their segment is rolled.
  int64_t limit = config.cleanup_compact ? std::min(config.segment_ms, config.max_compaction_lag_ms)
                                         : config.segment_ms;
  int64_t jitter = std::min(config.segment_jitter_ms, limit);
  if (jitter <= 0) return limit;
  // The same for a segment whenever it is asked, different between segments and partitions.
  base::SeededRandom random(std::hash<std::string>{}(directory_->path()) +
                            static_cast<uint64_t>(base_offset_));
  return limit - static_cast<int64_t>(random.below(static_cast<uint64_t>(jitter)));
}

size_t Segment::index_bytes() const {
  return std::max(offsets_.file().count() * OffsetIndex::kEntrySize,
                  times_.file().count() * TimeIndex::kEntrySize);
}

void Segment::note_timestamp(const records::BatchHeader& batch) {
  if (batch.record_count == 0) return;  // compaction left its header alone
  if (first_timestamp_ < 0) first_timestamp_ = batch.max_timestamp;
  if (batch.max_timestamp <= max_timestamp()) return;
  max_timestamp_ = batch.max_timestamp;
  max_timestamp_offset_ = batch.last_offset();
}

base::Result<void> Segment::index_batch(const records::BatchHeader& batch, uint64_t position,
                                        const LogConfig& config) {
  note_timestamp(batch);
  base::Result<void> flushed;
  if (bytes_since_index_ > static_cast<uint64_t>(config.index_interval_bytes)) {
    offsets_.append(batch.last_offset(), position);
    times_.append(max_timestamp(), max_timestamp_offset_);
    bytes_since_index_ = 0;
    if (offsets_.file().tail_is_full()) flushed = offsets_.file().flush();
    if (flushed && times_.file().tail_is_full()) flushed = times_.file().flush();
  }
  bytes_since_index_ += batch.size_bytes();
  return flushed;
}

base::Result<void> Segment::append(base::ByteView bytes,
                                   std::span<const records::BatchView> batches,
                                   const LogConfig& config) {
  LH_ASSIGN(auto file, this->file());
  uint64_t position = size();
  if (auto written = file->write_at(position, bytes); !written) {
    torn_ = !file->truncate(position);
    return written;
  }
  for (const auto& batch : batches) {
    // An index that cannot be written stays in memory, for the next try.
    static_cast<void>(index_batch(batch.header, position, config));
    recent_.add({.base_offset = batch.header.base_offset,
                 .last_offset = batch.header.last_offset(),
                 .position = position,
                 .size = batch.bytes.size()});
    position += batch.bytes.size();
  }
  size_.store(position, std::memory_order_release);
  return {};
}

base::Result<std::shared_ptr<base::File>> Segment::file() const {
  std::lock_guard lock(file_mutex_);
  used_ = true;
  if (file_) return file_;
  std::string path = directory_->segment_file(base_offset_, kLogExtension);
  if (removed_) return base::fail(Errc::kNotFound, path + ": removed");
  LH_ASSIGN(std::shared_ptr<base::File> file,
            directory_->files().open(path, base::OpenMode::kReadWrite));
  file_ = file;
  return file;
}

base::Result<void> Segment::cut(uint64_t position) {
  LH_ASSIGN(auto file, this->file());
  recent_.clear();
  if (position < size()) size_.store(position, std::memory_order_release);
  return file->truncate(position);
}

base::Result<void> Segment::truncate(uint64_t position, int64_t offset) {
  LH_TRY(cut(position));
  LH_TRY(offsets_.truncate(offset));
  LH_TRY(times_.truncate(offset));
  LH_TRY(transactions_.truncate(offset));
  // The next batch gets an index entry; what the largest timestamp is now, has to be looked up.
  bytes_since_index_ = position;
  max_timestamp_ = records::kNoTimestamp;
  max_timestamp_offset_ = -1;
  if (position == 0) first_timestamp_ = records::kNoTimestamp;
  LH_ASSIGN(TimestampOffset indexed, times_.last());
  if (indexed.timestamp >= 0) {
    max_timestamp_ = indexed.timestamp;
    max_timestamp_offset_ = indexed.offset;
  }
  return scan(indexed.timestamp >= 0 ? indexed.offset : base_offset_,
              std::numeric_limits<int64_t>::max(),
              [this](const records::BatchHeader& batch, base::ByteView) -> base::Result<void> {
                note_timestamp(batch);
                return {};
              });
}

base::Result<void> Segment::seal() {
  recent_.clear();
  if (max_timestamp() >= 0) times_.append(max_timestamp(), max_timestamp_offset_);
  LH_TRY(offsets_.file().flush());
  LH_TRY(times_.file().flush());
  directory_->mark_changed();
  return {};
}

base::Result<void> Segment::sync() {
  LH_ASSIGN(auto file, this->file());
  return file->sync();
}

base::Result<void> Segment::sync_indexes() {
  LH_TRY(offsets_.file().flush());
  LH_TRY(times_.file().flush());
  LH_TRY(offsets_.file().sync());
  LH_TRY(times_.file().sync());
  return transactions_.sync();
}

void Segment::close_idle() {
  recent_.clear_idle();
  offsets_.file().close_idle();
  times_.file().close_idle();
  std::lock_guard lock(file_mutex_);
  if (!used_ && !pinned_) file_.reset();
  used_ = false;
}

void Segment::close() {
  offsets_.file().close();
  times_.file().close();
  std::lock_guard lock(file_mutex_);
  if (!pinned_) file_.reset();
}

base::Result<void> Segment::pin() {
  LH_TRY(transactions_.pin());
  LH_TRY(offsets_.file().pin());
  LH_TRY(times_.file().pin());
  LH_TRY(file());
  std::lock_guard lock(file_mutex_);
  if (!file_) return base::fail(Errc::kUnavailable, "closed at this very moment");
  pinned_ = true;
  return {};
}

void Segment::unpin() {
  transactions_.unpin();
  offsets_.file().unpin();
  times_.file().unpin();
  std::lock_guard lock(file_mutex_);
  pinned_ = false;
}

void Segment::mark_removed() {
  {
    std::lock_guard lock(file_mutex_);
    removed_ = true;
  }
  close();
}

std::vector<std::string> Segment::paths() const {
  return {directory_->segment_file(base_offset_, kLogExtension), offsets_.file().path(),
          times_.file().path(), transactions_.path(),
          directory_->segment_file(base_offset_, kSnapshotExtension)};
}

}  // namespace longhaul::broker::log
