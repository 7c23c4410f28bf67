#include "broker/partition/partition.h"

#include <algorithm>

#include "base/assert.h"

namespace longhaul::broker::partition {
namespace {

ErrorCode error_code(records::Reason reason) {
  switch (reason) {
    case records::Reason::kInvalidRecord:
      return ErrorCode::kInvalidRecord;
    case records::Reason::kInvalidTimestamp:
      return ErrorCode::kInvalidTimestamp;
    case records::Reason::kCorruptMessage:
      return ErrorCode::kCorruptMessage;
    case records::Reason::kMessageTooLarge:
      return ErrorCode::kMessageTooLarge;
    case records::Reason::kUnsupportedCompressionType:
      return ErrorCode::kUnsupportedCompressionType;
  }
  return ErrorCode::kInvalidRecord;
}

records::ValidationOptions validation_options(const TopicSettings& settings,
                                              const ProduceOptions& options) {
  records::ValidationOptions checks;
  checks.origin = options.origin == log::AppendOrigin::kClient ? records::Origin::kClient
                                                               : records::Origin::kCoordinator;
  checks.timestamp_type = settings.log.message_timestamp_type;
  checks.timestamp_before_max_ms = settings.log.message_timestamp_before_max_ms;
  checks.timestamp_after_max_ms = settings.log.message_timestamp_after_max_ms;
  checks.compacted = settings.log.cleanup_compact;
  checks.target_codec = settings.codec;
  checks.levels = settings.levels;
  checks.max_batch_bytes = static_cast<size_t>(settings.log.max_message_bytes);
  checks.zstd_allowed = options.zstd_allowed;
  return checks;
}

tl::unexpected<AppendFailure> refuse(ErrorCode code, std::string message = {}) {
  return tl::unexpected(AppendFailure{code, std::move(message), {}});
}

/// Where a follower's empty log is to begin if its leader's begins within a batch (DeleteRecords):
/// with the batch, of which it needs all. Absent if the batches fit.
std::optional<int64_t> base_to_begin_at(const log::Log& log, base::ByteView batches) {
  int64_t end = log.log_end_offset();
  if (log.log_start_offset() != end || log.size_bytes() > 0) return std::nullopt;
  records::BatchWalker walker(batches);
  const records::BatchView* first = walker.next();
  bool reaches_over =
      first && first->header.base_offset < end && first->header.last_offset() >= end;
  return reaches_over ? std::optional(first->header.base_offset) : std::nullopt;
}

}  // namespace

Partition::Partition(const Surroundings& surroundings, std::shared_ptr<log::Log> log,
                     std::shared_ptr<const TopicSettings> settings)
    : surroundings_(surroundings),
      broker_id_(surroundings.broker_id),
      id_(log->id()),
      topic_id_(log->topic_id()),
      log_(std::move(log)) {
  set_settings(std::move(settings));
}

Partition::~Partition() { stop(); }

void Partition::set_settings(std::shared_ptr<const TopicSettings> settings) {
  std::shared_ptr<const log::LogConfig> of_log(settings, &settings->log);
  log()->set_config(of_log);
  if (auto moving = move()) moving->copy->set_config(log::config_of_copy(*of_log));
  settings_.store(std::move(settings));
  flush_soon();  // it may not have been wanted so far
}

Partition::RoleChange Partition::apply(const metadata::Partition& state) {
  RoleChange change = RoleChange::kNone;
  {
    std::unique_lock lock(role_mutex_);
    if (stopped_ || state.partition_epoch < partition_epoch_) return change;
    bool led = leader_id_ == broker_id_;
    bool leads = state.leader == broker_id_;
    std::lock_guard commit(commit_mutex_);
    if (leads && (!led || state.leader_epoch != leader_epoch_)) {
      const auto log = log_.load();
      log->begin_epoch(state.leader_epoch);
      in_sync_.lead(broker_id_, state, log->log_end_offset(), surroundings_.clock.monotonic());
      change = RoleChange::kBecameLeader;
    } else if (leads) {
      in_sync_.update(state);
    }
    if (!led && leads) leads_since_ = state.leader_epoch;
    if (led && !leads) change = RoleChange::kResigned;
    leader_id_ = state.leader;
    leader_epoch_ = state.leader_epoch;
    partition_epoch_ = state.partition_epoch;
    isr_ = state.isr;
    replicas_ = state.replicas.size();
    assigned_directory_ = state.directory_of(broker_id_);
    // They knew before a restart; they are not to be told otherwise now.
    if (move_ && move_->directory == assigned_directory_) move_->announced = true;
  }
  if (change == RoleChange::kResigned) {
    for (CommitCallback& done : take_waiting()) done(ErrorCode::kNotLeaderOrFollower);
  }
  flush_soon();
  advance_high_watermark();
  finish_deletions();
  watchers_.notify_all();
  end_watchers_.notify_all();
  return change;
}

void Partition::stop() {
  {
    std::unique_lock lock(role_mutex_);
    if (stopped_) return;
    stopped_ = true;
    leader_id_ = metadata::kNoLeader;
  }
  for (CommitCallback& done : take_waiting()) done(ErrorCode::kNotLeaderOrFollower);
  watchers_.notify_all();
  end_watchers_.notify_all();
}

std::vector<CommitCallback> Partition::take_waiting() {
  std::lock_guard lock(commit_mutex_);
  auto waiting = commit_waiters_.take_all();
  for (CommitCallback& done : deletion_waiters_.take_all()) waiting.push_back(std::move(done));
  return waiting;
}

bool Partition::is_leader() const {
  std::shared_lock lock(role_mutex_);
  return leader_id_ == broker_id_;
}

int32_t Partition::leader_epoch() const {
  std::shared_lock lock(role_mutex_);
  return leader_epoch_;
}

ErrorCode Partition::check_leader(int32_t current_leader_epoch) const {
  std::shared_lock lock(role_mutex_);
  return check_leader_locked(current_leader_epoch);
}

ErrorCode Partition::check_leader_locked(int32_t current_leader_epoch, bool any_replica) const {
  if (log()->is_offline()) return ErrorCode::kKafkaStorageError;
  if (current_leader_epoch >= 0 && current_leader_epoch < leader_epoch_) {
    return ErrorCode::kFencedLeaderEpoch;
  }
  if (current_leader_epoch > leader_epoch_) return ErrorCode::kUnknownLeaderEpoch;
  bool serves = leader_id_ == broker_id_ || (any_replica && !stopped_);
  return serves ? ErrorCode::kNone : ErrorCode::kNotLeaderOrFollower;
}

bool Partition::is_heavy(base::ByteView batch) const {
  auto settings = settings_.load();
  bool may_flush = settings->log.flush_messages != log::LogConfig::kForever;
  return may_flush || records::is_heavy(batch, validation_options(*settings, {}));
}

tl::expected<ProduceResult, AppendFailure> Partition::append(std::span<uint8_t> batch,
                                                             const ProduceOptions& options,
                                                             records::Codecs& codecs) {
  auto settings = settings_.load();
  ProduceResult result;
  {
    std::shared_lock lock(role_mutex_);
    const auto log = log_.load();
    if (log->is_offline()) return refuse(ErrorCode::kKafkaStorageError);
    if (leader_id_ != broker_id_) return refuse(ErrorCode::kNotLeaderOrFollower);
    if (options.acks_all && is_under_min_isr_locked()) {
      return refuse(ErrorCode::kNotEnoughReplicas,
                    id().to_string() + " has " + std::to_string(isr_.size()) +
                        " in-sync replicas, and min.insync.replicas is " +
                        std::to_string(settings->min_insync_replicas));
    }
    auto valid =
        records::validate(batch, validation_options(*settings, options), options.now_ms, codecs);
    if (!valid) {
      records::Refusal& why = valid.error();
      return tl::unexpected(AppendFailure{error_code(why.reason), std::move(why.message),
                                          std::move(why.record_errors)});
    }
    if (valid->header.is_transactional()) {
      return refuse(ErrorCode::kInvalidTxnState,
                    "there are no transactions in this version of the broker");
    }
    std::span<uint8_t> bytes = valid->rebuilt ? std::span<uint8_t>(*valid->rebuilt)
                                              : batch.first(valid->header.size_bytes());
    auto appended =
        log->append_as_leader(bytes, {.leader_epoch = leader_epoch_, .origin = options.origin});
    if (!appended) {
      if (log->is_out_of_space()) step_down_locked();
      return refuse(appended.error().code, std::move(appended.error().message));
    }
    result.base_offset = appended->first_offset;
    result.next_offset = appended->last_offset + 1;
    result.leader_epoch = leader_epoch_;
    result.log_start_offset = appended->log_start_offset;
    if (settings->log.message_timestamp_type == records::TimestampType::kLogAppendTime) {
      result.log_append_time_ms = appended->max_timestamp;
    }
  }
  end_watchers_.notify_all();
  if (settings->on_disk) flush_soon();
  if (log()->flush_is_due()) {
    if (auto flushed = flush(); !flushed) {
      return refuse(ErrorCode::kKafkaStorageError, flushed.error().message);
    }
  }
  advance_high_watermark();
  return result;
}

// No more can be asked for than there are replicas (as in Kafka): a topic with one of them can be
// written whatever min.insync.replicas says.
bool Partition::is_under_min_isr_locked() const {
  auto least = static_cast<size_t>(settings_.load()->min_insync_replicas);
  return isr_.size() < std::min(least, replicas_);
}

// Not again and again: where no disk has room, the lead would go round and round.
void Partition::step_down_locked() {
  std::lock_guard lock(commit_mutex_);
  auto now = surroundings_.clock.monotonic();
  if (stepped_down_ && now - *stepped_down_ < surroundings_.max_lag) return;
  auto least = static_cast<size_t>(settings_.load()->min_insync_replicas);
  auto proposal = in_sync_.propose_stepping_down(least, surroundings_.brokers);
  if (!proposal) return;
  stepped_down_ = now;
  surroundings_.proposals.propose(id(), topic_id(), std::move(*proposal));
}

// The end offset is read under the lock so that the high watermark never goes back.
void Partition::advance_high_watermark() {
  std::vector<CommitCallback> committed;
  {
    std::shared_lock role(role_mutex_);
    if (leader_id_ != broker_id_ || is_under_min_isr_locked()) return;
    std::lock_guard lock(commit_mutex_);
    const auto log = log_.load();
    int64_t offset =
        in_sync_.committed_below(log->log_end_offset(), surroundings_.clock.monotonic(),
                                 surroundings_.max_lag, surroundings_.brokers);
    if (settings_.load()->on_disk) offset = std::min(offset, log->recovery_point());
    if (offset <= log->high_watermark()) return;
    log->set_high_watermark(offset);
    committed = commit_waiters_.take_committed(offset);
  }
  for (CommitCallback& done : committed) done(ErrorCode::kNone);
  watchers_.notify_all();
}

void Partition::flush_soon() {
  if (!must_flush() || !is_leader()) return;
  // Whoever is first begins a flush; the others' bytes are part of it, or of the next one.
  if (flushes_wanted_.fetch_add(1) == 0) post_flush();
}

void Partition::post_flush() {
  surroundings_.workers.post([weak = weak_from_this()] {
    if (auto self = weak.lock()) self->flush_now();
  });
}

void Partition::flush_now() {
  uint64_t wanted = flushes_wanted_.load();
  bool failed = is_leader() && !flush();
  bool again = flushes_wanted_.fetch_sub(wanted) > wanted;
  if (failed) {
    for (CommitCallback& done : take_waiting()) done(ErrorCode::kKafkaStorageError);
  }
  advance_high_watermark();
  if (again) post_flush();
}

bool Partition::must_flush() const {
  if (!commits_on_disk()) return false;
  const auto log = log_.load();
  return log->recovery_point() < log->log_end_offset();
}

// A log that another took the place of meanwhile refuses; that one is on disk up to there.
base::Result<void> Partition::flush() {
  for (;;) {
    const auto flushing = log();
    auto flushed = flushing->flush();
    if (flushed || flushing == log()) return flushed;
  }
}

void Partition::await_commit(const ProduceResult& written, CommitCallback done) {
  ErrorCode outcome = ErrorCode::kNone;
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    if (leader_id_ != broker_id_ || written.leader_epoch < leads_since_) {
      outcome = ErrorCode::kNotLeaderOrFollower;
    } else if (log()->high_watermark() < written.next_offset) {
      return commit_waiters_.add(written.next_offset, std::move(done));
    }
  }
  done(outcome);
}

KafkaResult<int64_t> Partition::delete_records(int64_t offset) {
  std::shared_lock lock(role_mutex_);
  if (auto leader = check_leader_locked(-1); leader != ErrorCode::kNone) {
    return protocol::kafka_fail(leader);
  }
  if (!settings_.load()->log.cleanup_delete) {
    return protocol::kafka_fail(ErrorCode::kPolicyViolation);
  }
  constexpr int64_t kHighWatermark = -1;
  const auto log = log_.load();
  int64_t high_watermark = log->high_watermark();
  int64_t start = offset == kHighWatermark ? high_watermark : offset;
  if (start < 0 || start > high_watermark) {
    return protocol::kafka_fail(ErrorCode::kOffsetOutOfRange);
  }
  auto moved = log->advance_log_start_offset(start);
  if (!moved) return protocol::kafka_fail(ErrorCode::kKafkaStorageError, moved.error().message);
  return log->log_start_offset();
}

void Partition::await_deletion(int64_t offset, CommitCallback done) {
  ErrorCode outcome = ErrorCode::kNone;
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    if (leader_id_ != broker_id_) {
      outcome = ErrorCode::kNotLeaderOrFollower;
    } else if (in_sync_.lowest_start_offset(log()->log_start_offset(), surroundings_.brokers) <
               offset) {
      return deletion_waiters_.add(offset, std::move(done));
    }
  }
  done(outcome);
}

void Partition::finish_deletions() {
  std::vector<CommitCallback> deleted;
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    if (deletion_waiters_.empty()) return;
    deleted = deletion_waiters_.take_committed(
        in_sync_.lowest_start_offset(log()->log_start_offset(), surroundings_.brokers));
  }
  for (CommitCallback& done : deleted) done(ErrorCode::kNone);
}

bool Partition::is_catching_up(Isolation isolation) const {
  if (isolation == Isolation::kLogEnd) return false;
  std::shared_lock role(role_mutex_);
  std::lock_guard lock(commit_mutex_);
  return leader_id_ == broker_id_ && upper_bound(isolation) < in_sync_.epoch_start();
}

int64_t Partition::upper_bound(Isolation isolation) const {
  const auto log = log_.load();
  switch (isolation) {
    case Isolation::kLogEnd:
      return log->log_end_offset();
    case Isolation::kHighWatermark:
      return log->high_watermark();
    case Isolation::kLastStableOffset:
      return log->last_stable_offset();
  }
  return log->last_stable_offset();
}

KafkaResult<FetchResult> Partition::read_locked(const FetchOptions& options) const {
  ErrorCode leader = check_leader_locked(options.current_leader_epoch, options.from_any_replica);
  if (leader != ErrorCode::kNone) return protocol::kafka_fail(leader);
  const auto log = log_.load();
  FetchResult result;
  result.log_start_offset = log->log_start_offset();  // first: it never passes the others
  result.last_stable_offset = log->last_stable_offset();
  result.high_watermark = log->high_watermark();
  if (options.last_fetched_epoch >= 0) {
    log::EpochEnd end = log->end_offset_for_epoch(options.last_fetched_epoch);
    if (end.epoch < 0) {
      return protocol::kafka_fail(ErrorCode::kOffsetOutOfRange,
                                  "the last fetched epoch is older than the log");
    }
    if (end.epoch < options.last_fetched_epoch || end.end_offset < options.offset) {
      result.diverging = end;
      return result;
    }
  }
  bool committed_only = options.isolation == Isolation::kLastStableOffset;
  auto read = log->read({.offset = options.offset,
                         .max_bytes = options.max_bytes,
                         .upper_bound = upper_bound(options.isolation),
                         .at_least_one_batch = options.at_least_one_batch,
                         .with_aborted = committed_only});
  if (!read) return tl::unexpected(std::move(read.error()));
  result.slice = std::move(read->slice);
  if (committed_only) result.aborted = std::move(read->aborted);
  return result;
}

bool Partition::is_throttled_as_leader() const {
  return settings_.load()->leader_throttled.contains(id().partition, broker_id_);
}

bool Partition::is_throttled_as_follower() const {
  return settings_.load()->follower_throttled.contains(id().partition, broker_id_);
}

bool Partition::is_in_sync(int32_t broker_id) const {
  std::shared_lock lock(role_mutex_);
  return std::find(isr_.begin(), isr_.end(), broker_id) != isr_.end();
}

std::optional<int32_t> Partition::nearer_replica(int64_t offset, const IsNear& is_near) {
  std::shared_lock role(role_mutex_);
  if (leader_id_ != broker_id_ || is_near(broker_id_)) return std::nullopt;
  std::lock_guard lock(commit_mutex_);
  return in_sync_.nearest(offset, is_near);
}

void Partition::watch(std::weak_ptr<Watcher> watcher, Isolation isolation) {
  (isolation == Isolation::kLogEnd ? end_watchers_ : watchers_).add(std::move(watcher));
}

KafkaResult<FetchResult> Partition::fetch(const FetchOptions& options) {
  std::optional<IsrProposal> proposal;
  KafkaResult<FetchResult> result;
  {
    std::shared_lock role(role_mutex_);
    int64_t end = log()->log_end_offset();
    result = read_locked(options);
    if (!result || result->diverging || !options.follower) return result;
    const Follower& follower = *options.follower;
    std::lock_guard lock(commit_mutex_);
    bool known = in_sync_.fetched({.broker_id = follower.broker_id,
                                   .broker_epoch = follower.broker_epoch,
                                   .offset = options.offset,
                                   .log_start_offset = follower.log_start_offset,
                                   .leader_end_offset = end,
                                   .now = surroundings_.clock.monotonic()});
    if (!known) {
      return protocol::kafka_fail(ErrorCode::kNotLeaderOrFollower,
                                  "the fetcher is no replica of this partition");
    }
    proposal = in_sync_.propose_joining(follower.broker_id, log()->high_watermark(),
                                        surroundings_.brokers);
  }
  if (proposal) surroundings_.proposals.propose(id(), topic_id(), std::move(*proposal));
  advance_high_watermark();
  finish_deletions();
  return result;
}

void Partition::shrink_isr() {
  std::optional<IsrProposal> proposal;
  {
    std::shared_lock role(role_mutex_);
    if (leader_id_ != broker_id_) return;
    std::lock_guard lock(commit_mutex_);
    proposal = in_sync_.propose_leaving(log()->log_end_offset(), surroundings_.clock.monotonic(),
                                        surroundings_.max_lag, surroundings_.brokers);
  }
  if (proposal) surroundings_.proposals.propose(id(), topic_id(), std::move(*proposal));
  advance_high_watermark();  // one that was about to return may have gone silent
}

void Partition::isr_decided(const IsrDecision& decision) {
  {
    std::unique_lock role(role_mutex_);
    if (leader_id_ != broker_id_) return;
    std::lock_guard lock(commit_mutex_);
    if (!in_sync_.decided(decision)) return;
    isr_ = decision.isr;
    partition_epoch_ = decision.partition_epoch;
  }
  advance_high_watermark();
}

void Partition::isr_refused(const IsrProposal& proposal) {
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    in_sync_.refused(proposal);
  }
  advance_high_watermark();
}

KafkaResult<void> Partition::check_following_locked(int32_t leader_epoch) const {
  if (stopped_ || leader_id_ == broker_id_) {
    return protocol::kafka_fail(ErrorCode::kNotLeaderOrFollower);
  }
  if (leader_epoch != leader_epoch_) return protocol::kafka_fail(ErrorCode::kFencedLeaderEpoch);
  return {};
}

KafkaResult<void> Partition::replicate_locked(const Replicated& from_leader) {
  if (auto follows = check_following_locked(from_leader.leader_epoch); !follows) return follows;
  const auto log = log_.load();
  if (!from_leader.batches.empty()) {
    auto appended = log->append_as_follower(from_leader.batches);
    if (!appended) return tl::unexpected(std::move(appended.error()));
  }
  // A new leader may know of less that is committed than its predecessor told us.
  if (from_leader.high_watermark > log->high_watermark()) {
    log->set_high_watermark(from_leader.high_watermark);
  }
  return start_at_locked(from_leader.log_start_offset);
}

KafkaResult<void> Partition::start_at_locked(int64_t log_start_offset) {
  const auto log = log_.load();
  int64_t start = std::min(log_start_offset, log->high_watermark());
  if (start <= log->log_start_offset()) return {};
  auto moved = log->advance_log_start_offset(start);
  if (moved) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(moved.error().message));
}

KafkaResult<void> Partition::begin_within_batch_locked(const Replicated& from_leader,
                                                       int64_t base_offset) {
  if (auto follows = check_following_locked(from_leader.leader_epoch); !follows) return follows;
  const auto log = log_.load();
  int64_t start = log->log_start_offset();
  if (auto begun = log->truncate_fully_and_start_at(base_offset); !begun) {
    return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(begun.error().message));
  }
  start_copy_over_locked(base_offset);
  if (auto stored = replicate_locked(from_leader); !stored) return stored;
  return start_at_locked(start);
}

// The lock keeps the role: nothing of an old leader is appended once we follow another.
KafkaResult<void> Partition::replicate(const Replicated& from_leader) {
  KafkaResult<void> stored;
  if (auto base = base_to_begin_at(*log(), from_leader.batches)) {
    // No reader is to see the log between its two beginnings.
    std::unique_lock role(role_mutex_);
    stored = begin_within_batch_locked(from_leader, *base);
  } else {
    std::shared_lock role(role_mutex_);
    stored = replicate_locked(from_leader);
  }
  if (!stored) return stored;
  if (log()->flush_is_due()) {
    if (auto flushed = flush(); !flushed) {
      return protocol::kafka_fail(ErrorCode::kKafkaStorageError,
                                  std::move(flushed.error().message));
    }
  }
  watchers_.notify_all();
  return {};
}

KafkaResult<void> Partition::truncate(int32_t leader_epoch, int64_t offset) {
  std::unique_lock role(role_mutex_);
  if (auto follows = check_following_locked(leader_epoch); !follows) return follows;
  auto cut = log()->truncate_to(offset);
  cut_copy_locked();
  if (cut) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(cut.error().message));
}

KafkaResult<void> Partition::start_over(int32_t leader_epoch, int64_t offset) {
  std::unique_lock role(role_mutex_);
  if (auto follows = check_following_locked(leader_epoch); !follows) return follows;
  auto begun = log()->truncate_fully_and_start_at(offset);
  start_copy_over_locked(offset);
  if (begun) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(begun.error().message));
}

KafkaResult<log::EpochEnd> Partition::end_offset_for_epoch(int32_t epoch,
                                                           int32_t current_leader_epoch) const {
  std::shared_lock lock(role_mutex_);
  ErrorCode leader = check_leader_locked(current_leader_epoch);
  if (leader != ErrorCode::kNone) return protocol::kafka_fail(leader);
  return log()->end_offset_for_epoch(epoch);
}

}  // namespace longhaul::broker::partition
