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

}  // namespace

Partition::Partition(const Surroundings& surroundings, std::shared_ptr<log::Log> log,
                     std::shared_ptr<const TopicSettings> settings)
    : surroundings_(surroundings), broker_id_(surroundings.broker_id), log_(std::move(log)) {
  set_settings(std::move(settings));
}

Partition::~Partition() { stop(); }

void Partition::set_settings(std::shared_ptr<const TopicSettings> settings) {
  log_->set_config(std::shared_ptr<const log::LogConfig>(settings, &settings->log));
  settings_.store(std::move(settings));
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
      log_->begin_epoch(state.leader_epoch);
      in_sync_.lead(broker_id_, state, log_->log_end_offset(), surroundings_.clock.monotonic());
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
  }
  if (change == RoleChange::kResigned) {
    for (CommitCallback& done : take_waiting()) done(ErrorCode::kNotLeaderOrFollower);
  }
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
  if (log_->is_offline()) return ErrorCode::kKafkaStorageError;
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
    if (log_->is_offline()) return refuse(ErrorCode::kKafkaStorageError);
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
        log_->append_as_leader(bytes, {.leader_epoch = leader_epoch_, .origin = options.origin});
    if (!appended) return refuse(appended.error().code, std::move(appended.error().message));
    result.base_offset = appended->first_offset;
    result.next_offset = appended->last_offset + 1;
    result.leader_epoch = leader_epoch_;
    result.log_start_offset = appended->log_start_offset;
    if (settings->log.message_timestamp_type == records::TimestampType::kLogAppendTime) {
      result.log_append_time_ms = appended->max_timestamp;
    }
  }
  end_watchers_.notify_all();
  if (log_->flush_is_due()) {
    if (auto flushed = log_->flush(); !flushed) {
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

// The end offset is read under the lock so that the high watermark never goes back.
void Partition::advance_high_watermark() {
  std::vector<CommitCallback> committed;
  {
    std::shared_lock role(role_mutex_);
    if (leader_id_ != broker_id_ || is_under_min_isr_locked()) return;
    std::lock_guard lock(commit_mutex_);
    int64_t offset =
        in_sync_.committed_below(log_->log_end_offset(), surroundings_.clock.monotonic(),
                                 surroundings_.max_lag, surroundings_.brokers);
    if (offset <= log_->high_watermark()) return;
    log_->set_high_watermark(offset);
    committed = commit_waiters_.take_committed(offset);
  }
  for (CommitCallback& done : committed) done(ErrorCode::kNone);
  watchers_.notify_all();
}

void Partition::await_commit(const ProduceResult& written, CommitCallback done) {
  ErrorCode outcome = ErrorCode::kNone;
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    if (leader_id_ != broker_id_ || written.leader_epoch < leads_since_) {
      outcome = ErrorCode::kNotLeaderOrFollower;
    } else if (log_->high_watermark() < written.next_offset) {
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
  int64_t high_watermark = log_->high_watermark();
  int64_t start = offset == kHighWatermark ? high_watermark : offset;
  if (start < 0 || start > high_watermark) {
    return protocol::kafka_fail(ErrorCode::kOffsetOutOfRange);
  }
  auto moved = log_->advance_log_start_offset(start);
  if (!moved) return protocol::kafka_fail(ErrorCode::kKafkaStorageError, moved.error().message);
  return log_->log_start_offset();
}

void Partition::await_deletion(int64_t offset, CommitCallback done) {
  ErrorCode outcome = ErrorCode::kNone;
  {
    std::shared_lock role(role_mutex_);
    std::lock_guard lock(commit_mutex_);
    if (leader_id_ != broker_id_) {
      outcome = ErrorCode::kNotLeaderOrFollower;
    } else if (in_sync_.lowest_start_offset(log_->log_start_offset(), surroundings_.brokers) <
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
        in_sync_.lowest_start_offset(log_->log_start_offset(), surroundings_.brokers));
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
  switch (isolation) {
    case Isolation::kLogEnd:
      return log_->log_end_offset();
    case Isolation::kHighWatermark:
      return log_->high_watermark();
    case Isolation::kLastStableOffset:
      return log_->last_stable_offset();
  }
  return log_->last_stable_offset();
}

KafkaResult<FetchResult> Partition::read_locked(const FetchOptions& options) const {
  ErrorCode leader = check_leader_locked(options.current_leader_epoch, options.from_any_replica);
  if (leader != ErrorCode::kNone) return protocol::kafka_fail(leader);
  FetchResult result;
  result.log_start_offset = log_->log_start_offset();  // first: it never passes the others
  result.last_stable_offset = log_->last_stable_offset();
  result.high_watermark = log_->high_watermark();
  if (options.last_fetched_epoch >= 0) {
    log::EpochEnd end = log_->end_offset_for_epoch(options.last_fetched_epoch);
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
  auto read = log_->read({.offset = options.offset,
                          .max_bytes = options.max_bytes,
                          .upper_bound = upper_bound(options.isolation),
                          .at_least_one_batch = options.at_least_one_batch,
                          .with_aborted = committed_only});
  if (!read) return tl::unexpected(std::move(read.error()));
  result.slice = std::move(read->slice);
  if (committed_only) result.aborted = std::move(read->aborted);
  return result;
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
    int64_t end = log_->log_end_offset();
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
    proposal =
        in_sync_.propose_joining(follower.broker_id, log_->high_watermark(), surroundings_.brokers);
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
    proposal = in_sync_.propose_leaving(log_->log_end_offset(), surroundings_.clock.monotonic(),
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

// The lock keeps the role: nothing of an old leader is appended once we follow another.
KafkaResult<void> Partition::replicate(const Replicated& from_leader) {
  {
    std::shared_lock role(role_mutex_);
    if (auto follows = check_following_locked(from_leader.leader_epoch); !follows) return follows;
    if (!from_leader.batches.empty()) {
      auto appended = log_->append_as_follower(from_leader.batches);
      if (!appended) return tl::unexpected(std::move(appended.error()));
    }
    // A new leader may know of less that is committed than its predecessor told us.
    if (from_leader.high_watermark > log_->high_watermark()) {
      log_->set_high_watermark(from_leader.high_watermark);
    }
    int64_t start = std::min(from_leader.log_start_offset, log_->high_watermark());
    if (start > log_->log_start_offset()) {
      auto moved = log_->advance_log_start_offset(start);
      if (!moved) {
        return protocol::kafka_fail(ErrorCode::kKafkaStorageError,
                                    std::move(moved.error().message));
      }
    }
  }
  if (log_->flush_is_due()) {
    if (auto flushed = log_->flush(); !flushed) {
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
  auto cut = log_->truncate_to(offset);
  if (cut) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(cut.error().message));
}

KafkaResult<void> Partition::start_over(int32_t leader_epoch, int64_t offset) {
  std::unique_lock role(role_mutex_);
  if (auto follows = check_following_locked(leader_epoch); !follows) return follows;
  auto begun = log_->truncate_fully_and_start_at(offset);
  if (begun) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(begun.error().message));
}

KafkaResult<log::EpochEnd> Partition::end_offset_for_epoch(int32_t epoch,
                                                           int32_t current_leader_epoch) const {
  std::shared_lock lock(role_mutex_);
  ErrorCode leader = check_leader_locked(current_leader_epoch);
  if (leader != ErrorCode::kNone) return protocol::kafka_fail(leader);
  return log_->end_offset_for_epoch(epoch);
}

}  // namespace longhaul::broker::partition
