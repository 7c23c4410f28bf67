// Moves replicas between the log directories of their broker (KIP-113, KIP-858).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "broker/log/log_manager.h"
#include "broker/partition/partition.h"
#include "broker/partition/replica_manager.h"
#include "broker/partition/replication_quota.h"

namespace longhaul::broker::replication {

/// A fetcher within the broker: copies the log of a partition to another directory, while that is
/// in use, until the copy has all of it. Then the controller is told of the directory, and once the
/// metadata say so the copy becomes the log. Of all moves one does a step at a time, on a worker.
class ReplicaMover : public std::enable_shared_from_this<ReplicaMover> {
 public:
  using Partition = partition::Partition;

  struct Params {
    base::EventLoop& loop;
    base::Executor& workers;
    const base::Clock& clock;
    base::Logger logger;
    log::LogManager& logs;
    const partition::ReplicaManager& replicas;
    /// replica.alter.log.dirs.io.max.bytes.per.second.
    partition::ReplicationQuota& quota;
    /// The directory that the controller is to know for this replica may have changed; on the loop.
    std::function<void(const base::Uuid& topic_id, int32_t partition)> tell;
  };

  static std::shared_ptr<ReplicaMover> create(Params params);

  /// Where the replica is to go: to the directory it lies in if it is to stay. `topic` as the
  /// metadata have it, or null. Does I/O; any thread.
  /// kNone: it is on its way, or there. REPLICA_NOT_AVAILABLE: it is not here yet, and goes there
  /// if it comes. UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR, and as LogManager::check_move.
  protocol::ErrorCode move(const metadata::Topic* topic, const log::TopicPartition& id,
                           const std::string& directory);
  /// Goes on with one that was begun before; any thread.
  void add(std::shared_ptr<Partition> partition);
  /// Nothing is copied any more; `done` comes on the loop, where this is called.
  void stop(base::Task done);

 private:
  struct Outcome {
    enum { kAgain, kLater, kOver } what = kLater;
    uint64_t bytes = 0;
  };

  explicit ReplicaMover(Params params) : params_(std::move(params)) {}
  protocol::ErrorCode begin(const std::shared_ptr<Partition>& partition,
                            const std::string& directory);
  void cancel(Partition& partition);
  void tell(const Partition& partition);

  // On the loop.
  void step();
  void stepped(std::shared_ptr<Partition> partition, Outcome outcome);
  void wake_after(base::Clock::Monotonic delay);

  // On a worker.
  Outcome advance(Partition& partition);
  Outcome failed(Partition& partition, const protocol::KafkaError& why);
  static protocol::KafkaResult<void> catch_up(Partition& partition);
  Outcome finish(Partition& partition, Partition::Move& move);

  const Params params_;
  std::mutex mutex_;          // held by whoever begins, ends or advances a move
  std::string last_failure_;  // said already

  // On the loop.
  std::deque<std::shared_ptr<Partition>> moves_;
  size_t waiting_ = 0;  // steps, one behind the other, that brought nothing
  bool busy_ = false;
  bool stopped_ = false;
  base::Task on_stopped_;
  base::TimerId timer_ = 0;
};

}  // namespace longhaul::broker::replication
