#include "broker/log/log.h"

#include <algorithm>
#include <limits>

#include "broker/log/partition_metadata.h"

namespace longhaul::broker::log {

using base::Errc;
using protocol::ErrorCode;
using protocol::kafka_fail;

Log::Log(Params params)
    : files_(*params.files),
      clock_(*params.clock),
      logger_(params.logger),
      id_(std::move(params.id)),
      directory_(std::make_shared<LogDirectory>(*params.files, params.path)),
      config_(std::move(params.config)),
      producer_expiration_ms_(params.producer_expiration_ms),
      write_checkpoints_(std::move(params.write_checkpoints)),
      on_failure_(std::move(params.on_failure)),
      config_is_presumed_(params.config_is_presumed),
      first_undecided_(std::numeric_limits<int64_t>::max()),
      last_flush_ms_(params.clock->wall_ms()),
      first_dirty_(params.first_dirty_offset) {}

Log::~Log() = default;

base::Uuid Log::topic_id() const {
  std::lock_guard lock(mutex_);
  return topic_id_;
}

base::Result<void> Log::set_topic_id(const base::Uuid& topic_id) {
  std::lock_guard lock(mutex_);
  if (topic_id_ == topic_id) return {};
  if (!topic_id_.is_zero()) {
    return base::fail(Errc::kConflict, directory_->path() + " belongs to topic ID " +
                                           topic_id_.to_string() + ", not " + topic_id.to_string());
  }
  LH_TRY(write_partition_metadata(*directory_, topic_id));
  metadata_unsynced_ = true;
  topic_id_ = topic_id;
  // A log that starts over counts as flushed up to there: were the file torn, what is written from
  // here would be taken for that of another topic.
  if (recovery_point() > 0) {
    LH_TRY(sync_partition_metadata(*directory_));
    LH_TRY(directory_->sync());
    metadata_unsynced_ = false;
  }
  return {};
}

int64_t Log::last_stable_offset() const {
  return std::min(high_watermark(), first_undecided_.load(std::memory_order_acquire));
}

void Log::set_high_watermark(int64_t offset) {
  if (first_undecided_.load(std::memory_order_acquire) == std::numeric_limits<int64_t>::max()) {
    clamp_high_watermark(offset);
    return;
  }
  std::lock_guard lock(mutex_);
  clamp_high_watermark(offset);
  note_undecided();
}

void Log::clamp_high_watermark(int64_t offset) {
  offset = std::max(std::min(offset, log_end_offset()), log_start_offset());
  high_watermark_.store(offset, std::memory_order_release);
}

void Log::note_undecided() {
  producers_.set_high_watermark(high_watermark());
  first_undecided_.store(
      producers_.first_undecided_offset().value_or(std::numeric_limits<int64_t>::max()),
      std::memory_order_release);
}

void Log::publish(std::shared_ptr<const SegmentList> segments, int64_t end, uint64_t active_bytes) {
  segments_.store(segments);
  Readable next{std::move(segments), end, active_bytes};
  {
    std::lock_guard lock(readable_mutex_);
    std::swap(readable_, next);  // the old list dies after the lock is gone
  }
  log_end_.store(end, std::memory_order_release);
}

void Log::move_end(int64_t offset) {
  auto list = segments_.load();
  uint64_t active_bytes = list->back()->size();
  publish(std::move(list), offset, active_bytes);
}

Log::Readable Log::readable() const {
  std::lock_guard lock(readable_mutex_);
  return readable_;
}

LogResult<> Log::refuse_if_offline() const {
  auto online = fail_if_offline();
  if (online) return {};
  return kafka_fail(ErrorCode::kKafkaStorageError, online.error().message);
}

base::Result<void> Log::fail_if_offline() const {
  if (is_offline()) return base::fail(Errc::kIo, directory_->path() + ": is offline");
  if (closed_) return base::fail(Errc::kUnavailable, directory_->path() + ": is closed");
  return {};
}

base::Error Log::go_offline(base::Error why) {
  if (!offline_.exchange(true)) {
    logger_.error("{}: offline: {}", id_.to_string(), why.message);
    // If that cannot be made either, whoever starts the broker cannot do without the disk's repair.
    static_cast<void>(files_.open(directory_->file(kSyncFailedName), base::OpenMode::kCreate));
    bool is_its_own = is_shortage(why) || is_rot(why);
    if (on_failure_ && !is_its_own) on_failure_(why);
  }
  return why;
}

base::Result<void> Log::sync_directory() {
  int64_t base_offset = first_base_offset();
  LH_TRY(directory_->sync());
  durable_base_.store(base_offset, std::memory_order_release);
  return {};
}

void Log::begin_epoch(int32_t epoch) {
  std::lock_guard lock(mutex_);
  epochs_.assign(epoch, log_end_offset());
}

EpochEnd Log::end_offset_for_epoch(int32_t epoch) const {
  return epochs_.end_offset(epoch, log_end_offset());
}

void Log::expire_producers(int64_t now_ms) {
  std::lock_guard lock(mutex_);
  producers_.expire(now_ms, producer_expiration_ms_);
}

std::vector<ProducerEntry> Log::producers() const {
  std::lock_guard lock(mutex_);
  return producers_.entries();
}

void Log::close_idle_files() {
  auto list = segments_.load();
  for (const auto& segment : *list) segment->close_idle();
}

std::shared_ptr<Segment> Log::next_cold_segment(int64_t from) const {
  auto list = segments_.load();
  for (size_t i = 0; i + 1 < list->size(); ++i) {
    if ((*list)[i + 1]->base_offset() > recovery_point()) break;
    if ((*list)[i]->base_offset() >= from) return (*list)[i];
  }
  return nullptr;
}

bool Log::is_out_of_space() const {
  std::lock_guard lock(mutex_);
  return out_of_space_;
}

uint64_t Log::truncations() const {
  std::lock_guard lock(mutex_);
  return truncations_;
}

uint64_t Log::size_bytes() const {
  auto list = segments_.load();
  uint64_t size = 0;
  for (const auto& segment : *list) size += segment->size();
  return size;
}

}  // namespace longhaul::broker::log
