#include "broker/partition/partition.h"

#include <algorithm>

namespace longhaul::broker::partition {

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
  // Where a log is offline any other is better: it can be read at least.
  size_t least =
      log()->is_offline() ? 1 : static_cast<size_t>(settings_.load()->min_insync_replicas);
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

void Partition::await_commit(const ProduceResult& written, CommitWaiter waiter) {
  ErrorCode outcome = ErrorCode::kNone;
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    if (leader_id_ != broker_id_ || written.leader_epoch < leads_since_) {
      outcome = ErrorCode::kNotLeaderOrFollower;
    } else if (log()->high_watermark() < written.next_offset) {
      return commit_waiters_.add(written.next_offset, std::move(waiter));
    }
  }
  waiter.done(outcome);
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

void Partition::await_deletion(int64_t offset, CommitWaiter waiter) {
  ErrorCode outcome = ErrorCode::kNone;
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    if (leader_id_ != broker_id_) {
      outcome = ErrorCode::kNotLeaderOrFollower;
    } else if (in_sync_.lowest_start_offset(log()->log_start_offset(), surroundings_.brokers) <
               offset) {
      return deletion_waiters_.add(offset, std::move(waiter));
    }
  }
  waiter.done(outcome);
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
    // Nobody can follow: that does not make them slow.
    if (log()->is_offline()) return step_down_locked();
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

KafkaResult<log::EpochEnd> Partition::end_offset_for_epoch(int32_t epoch,
                                                           int32_t current_leader_epoch) const {
  std::shared_lock lock(role_mutex_);
  ErrorCode leader = check_leader_locked(current_leader_epoch);
  if (leader != ErrorCode::kNone) return protocol::kafka_fail(leader);
  return log()->end_offset_for_epoch(epoch);
}

}  // namespace longhaul::broker::partition
