#include "broker/replication/replica_mover.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace longhaul::broker::replication {

using protocol::ErrorCode;
using std::chrono::microseconds;

namespace {

/// As much as a follower fetches of a partition at a time.
constexpr uint64_t kStepBytes = 1 << 20;
/// For news of the metadata, and of what was appended, where there is nothing to do but wait.
constexpr std::chrono::milliseconds kWait{50};
/// It may have been changed.
constexpr std::chrono::seconds kLookAtRate{1};

}  // namespace

std::shared_ptr<ReplicaMover> ReplicaMover::create(Params params) {
  return std::shared_ptr<ReplicaMover>(new ReplicaMover(std::move(params)));
}

ErrorCode ReplicaMover::move(const metadata::Topic* topic, const log::TopicPartition& id,
                             const std::string& directory) {
  ErrorCode refused = params_.logs.check_move(id, directory);
  if (refused != ErrorCode::kNone) return refused;
  std::lock_guard lock(mutex_);
  if (auto partition = params_.replicas.find(id.topic, id.partition)) {
    return begin(partition, directory);
  }
  ErrorCode why = params_.replicas.why_missing(topic, id.partition);
  if (why == ErrorCode::kKafkaStorageError) return why;
  params_.logs.prefer(id, directory);
  return why == ErrorCode::kNotLeaderOrFollower ? ErrorCode::kReplicaNotAvailable : why;
}

ErrorCode ReplicaMover::begin(const std::shared_ptr<Partition>& partition,
                              const std::string& directory) {
  const log::TopicPartition& id = partition->id();
  auto log = partition->log();
  if (log->is_offline()) return ErrorCode::kKafkaStorageError;
  auto future = params_.logs.future(id);
  if (future && future->directory == directory && partition->move()) return ErrorCode::kNone;
  if (future) cancel(*partition);
  if (params_.logs.directory_of(id.topic, id.partition) == directory) return ErrorCode::kNone;
  // Asked first: what compaction does from here on, the copy may lack.
  int64_t first_dirty = log->first_dirty_offset();
  auto created = params_.logs.create_future(id, directory);
  if (!created) {
    params_.logger.warn("{} cannot go to {}: {}", id.to_string(), directory,
                        created.error().message);
    return ErrorCode::kKafkaStorageError;
  }
  if (auto begun = partition->begin_move(*created, first_dirty); !begun) {
    cancel(*partition);
    return ErrorCode::kKafkaStorageError;
  }
  params_.logger.info("{} goes to {}", id.to_string(), directory);
  add(partition);
  return ErrorCode::kNone;
}

void ReplicaMover::cancel(Partition& partition) {
  partition.end_move();
  if (auto removed = params_.logs.remove_future(partition.id()); !removed) {
    params_.logger.warn("{}: {}", partition.id().to_string(), removed.error().message);
  }
  tell(partition);
}

void ReplicaMover::tell(const Partition& partition) {
  params_.loop.post([self = shared_from_this(), topic = partition.topic_id(),
                     index = partition.id().partition] { self->params_.tell(topic, index); });
}

void ReplicaMover::add(std::shared_ptr<Partition> partition) {
  params_.loop.post([self = shared_from_this(), partition = std::move(partition)]() mutable {
    auto& moves = self->moves_;
    if (std::find(moves.begin(), moves.end(), partition) == moves.end()) {
      moves.push_back(std::move(partition));
    }
    self->waiting_ = 0;
    self->step();
  });
}

void ReplicaMover::stop(base::Task done) {
  stopped_ = true;
  params_.loop.cancel(std::exchange(timer_, 0));
  moves_.clear();
  if (!busy_) return done();
  on_stopped_ = std::move(done);
}

void ReplicaMover::step() {
  if (busy_ || stopped_ || moves_.empty()) return;
  auto now = params_.clock.monotonic();
  if (auto free_at = params_.quota.free_at(); free_at > now) {
    return wake_after(std::min<base::Clock::Monotonic>(free_at - now, kLookAtRate));
  }
  if (waiting_ >= moves_.size()) {
    waiting_ = 0;
    return wake_after(kWait);
  }
  params_.loop.cancel(std::exchange(timer_, 0));
  auto next = std::move(moves_.front());
  moves_.pop_front();
  busy_ = true;
  params_.workers.post([self = shared_from_this(), next = std::move(next)]() mutable {
    Outcome outcome = self->advance(*next);
    self->params_.loop.post([self, next = std::move(next), outcome]() mutable {
      self->stepped(std::move(next), outcome);
    });
  });
}

void ReplicaMover::stepped(std::shared_ptr<Partition> partition, Outcome outcome) {
  busy_ = false;
  if (stopped_) return std::exchange(on_stopped_, {})();
  params_.quota.count(outcome.bytes);
  waiting_ = outcome.what == Outcome::kLater ? waiting_ + 1 : 0;
  bool is_listed = std::find(moves_.begin(), moves_.end(), partition) != moves_.end();
  if (outcome.what != Outcome::kOver && !is_listed) moves_.push_back(std::move(partition));
  step();
}

void ReplicaMover::wake_after(base::Clock::Monotonic delay) {
  params_.loop.cancel(timer_);
  timer_ = params_.loop.after(std::chrono::duration_cast<microseconds>(delay) + microseconds(1),
                              [self = shared_from_this()] {
                                self->timer_ = 0;
                                self->step();
                              });
}

ReplicaMover::Outcome ReplicaMover::advance(Partition& partition) {
  std::lock_guard lock(mutex_);
  auto move = partition.move();
  if (!move) return {Outcome::kOver};  // it was called off, or has gone
  if (move->copy->is_offline() || partition.log()->is_offline()) {
    return failed(partition, {ErrorCode::kKafkaStorageError, "a log directory is offline"});
  }
  auto copied = partition.copy_on(kStepBytes);
  if (!copied) return failed(partition, copied.error());
  if (!copied->caught_up) {
    return {copied->bytes > 0 ? Outcome::kAgain : Outcome::kLater, copied->bytes};
  }
  if (!move->announced.exchange(true)) tell(partition);
  Outcome outcome = partition.is_assigned_to(move->directory) ? finish(partition, *move)
                                                              : Outcome{Outcome::kLater};
  outcome.bytes = copied->bytes;
  return outcome;
}

// A disk that is full may have room again, and what is damaged may be mended.
ReplicaMover::Outcome ReplicaMover::failed(Partition& partition, const protocol::KafkaError& why) {
  auto move = partition.move();
  bool is_lost = !move || move->copy->is_offline() || partition.log()->is_offline();
  if (!is_lost) {
    if (std::exchange(last_failure_, why.message) != why.message) {
      params_.logger.warn("{} waits on its way to another directory: {}",
                          partition.id().to_string(), why.message);
    }
    return {Outcome::kLater};
  }
  params_.logger.warn("{} does not go to another directory: {}", partition.id().to_string(),
                      why.message);
  bool is_copy_lost = move && move->copy->is_offline();
  if (is_copy_lost) {
    cancel(partition);
  } else {  // what is there of the copy waits for the log
    partition.end_move();
    tell(partition);
  }
  return {Outcome::kOver};
}

ReplicaMover::Outcome ReplicaMover::finish(Partition& partition, Partition::Move& move) {
  // What is on the disk before appends have to wait, they do not wait for.
  auto prepared = partition.flush();
  if (prepared) prepared = move.copy->flush();
  int64_t start = move.copy->log_start_offset();
  if (prepared) prepared = move.copy->write_checkpoints();
  if (!prepared) {
    return failed(partition, {ErrorCode::kKafkaStorageError, prepared.error().message});
  }
  if (auto close = catch_up(partition); !close) return failed(partition, close.error());
  auto finished = [&] {
    auto still = params_.logs.hold_still();
    return partition.finish_move(
        start, [&] { return params_.logs.promote_future(partition.id(), still); });
  }();
  if (!finished) return failed(partition, finished.error());
  if (!*finished) return {Outcome::kLater};
  params_.logger.info("{} lies in {} now", partition.id().to_string(),
                      params_.logs.directory_of(partition.id().topic, partition.id().partition));
  tell(partition);
  return {Outcome::kOver};
}

// A flush takes its time, in which much is appended.
protocol::KafkaResult<void> ReplicaMover::catch_up(Partition& partition) {
  constexpr int kMostSteps = 64;
  for (int i = 0; i < kMostSteps; ++i) {
    auto copied = partition.copy_on(kStepBytes);
    if (!copied) return tl::unexpected(std::move(copied.error()));
    if (copied->caught_up) break;
  }
  return {};
}

}  // namespace longhaul::broker::replication
