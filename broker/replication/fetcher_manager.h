// Which partitions are copied from whom.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "broker/partition/replica_manager.h"
#include "broker/replication/replica_fetcher.h"

namespace longhaul::broker::replication {

/// num.replica.fetchers lanes, each a loop with one fetcher for each leader; a partition always
/// goes by the same lane. Thread-safe; what it is told takes effect on the lanes' loops, in order.
class FetcherManager {
 public:
  struct Params {
    std::vector<base::EventLoop*> loops;
    base::Executor* workers = nullptr;  ///< for flushes
    const base::Clock* clock = nullptr;
    base::Logger logger{base::null_sink(), "fetcher"};
    int32_t broker_id = -1;
    std::function<int64_t()> broker_epoch;  ///< from any thread
    /// A connection to that broker (see ReplicaFetcher::Params). From any thread.
    std::function<std::shared_ptr<client::Channel>(int32_t broker_id, size_t lane)> channel;
    FetcherSettings settings;
    partition::ReplicationQuota* quota = nullptr;  ///< see ReplicaFetcher::Params
  };

  explicit FetcherManager(Params params);

  void follow(const std::vector<partition::Following>& following);
  void unfollow(const partition::Partition& partition);
  /// Nothing is fetched any more; `done` once no fetch is being taken in, on one of the loops.
  void stop(base::Task done);

 private:
  /// On its loop.
  struct Lane : std::enable_shared_from_this<Lane> {
    Params params;
    size_t index = 0;
    std::map<int32_t, std::shared_ptr<ReplicaFetcher>> by_leader;
    std::map<FetchSession::PartitionId, int32_t> leaders;
    bool stopped = false;

    base::EventLoop& loop() const { return *params.loops[index]; }
    void follow(const std::vector<partition::Following>& following);
    void unfollow(const FetchSession::PartitionId& id);
    void stop();
    ReplicaFetcher& fetcher(int32_t leader);
  };

  Lane& lane_of(const FetchSession::PartitionId& id) const;

  std::vector<std::shared_ptr<Lane>> lanes_;
};

}  // namespace longhaul::broker::replication
