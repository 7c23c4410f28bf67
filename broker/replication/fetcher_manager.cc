#include "broker/replication/fetcher_manager.h"

#include <atomic>
#include <set>

namespace longhaul::broker::replication {
namespace {

FetchSession::PartitionId id_of(const partition::Partition& partition) {
  return {partition.topic_id(), partition.id().partition};
}

}  // namespace

FetcherManager::FetcherManager(Params params) {
  for (size_t i = 0; i < params.loops.size(); ++i) {
    auto lane = std::make_shared<Lane>();
    lane->params = params;
    lane->index = i;
    lanes_.push_back(std::move(lane));
  }
}

FetcherManager::Lane& FetcherManager::lane_of(const FetchSession::PartitionId& id) const {
  size_t hash = std::hash<base::Uuid>()(id.first) + static_cast<size_t>(id.second);
  return *lanes_[hash % lanes_.size()];
}

void FetcherManager::follow(const std::vector<partition::Following>& following) {
  // In the order of lanes and of leaders, not of addresses: a simulated run is to be repeatable.
  std::map<size_t, std::vector<partition::Following>> by_lane;
  for (const auto& each : following) by_lane[lane_of(id_of(*each.partition)).index].push_back(each);
  for (auto& [index, its] : by_lane) {
    const auto& lane = lanes_[index];
    lane->loop().post(
        [lane = lane->shared_from_this(), its = std::move(its)] { lane->follow(its); });
  }
}

void FetcherManager::unfollow(const partition::Partition& partition) {
  auto id = id_of(partition);
  Lane& lane = lane_of(id);
  lane.loop().post([lane = lane.shared_from_this(), id] { lane->unfollow(id); });
}

void FetcherManager::stop(base::Task done) {
  auto left = std::make_shared<std::atomic<size_t>>(lanes_.size());
  auto last = std::make_shared<base::Task>(std::move(done));
  for (const auto& lane : lanes_) {
    lane->loop().post([lane, left, last] {
      lane->stop();
      if (--*left == 0) (*last)();
    });
  }
}

// All of them go into the next fetch: one that was sent for the first alone would wait for it.
void FetcherManager::Lane::follow(const std::vector<partition::Following>& following) {
  std::set<int32_t> touched;
  for (const auto& each : following) {
    FetchSession::PartitionId id = id_of(*each.partition);
    unfollow(id);
    if (stopped) continue;
    leaders[id] = each.leader;
    fetcher(each.leader).add(each.partition, each.leader_epoch);
    touched.insert(each.leader);
  }
  for (int32_t leader : touched) fetcher(leader).step();
}

void FetcherManager::Lane::unfollow(const FetchSession::PartitionId& id) {
  auto found = leaders.find(id);
  if (found == leaders.end()) return;
  by_leader[found->second]->remove(id);
  leaders.erase(found);
}

void FetcherManager::Lane::stop() {
  stopped = true;
  for (const auto& [leader, fetcher] : by_leader) fetcher->stop();
  by_leader.clear();
  leaders.clear();
}

ReplicaFetcher& FetcherManager::Lane::fetcher(int32_t leader) {
  std::shared_ptr<ReplicaFetcher>& fetcher = by_leader[leader];
  if (!fetcher) {
    fetcher = ReplicaFetcher::create({.loop = &loop(),
                                      .workers = params.workers,
                                      .clock = params.clock,
                                      .logger = params.logger,
                                      .leader_id = leader,
                                      .broker_id = params.broker_id,
                                      .broker_epoch = params.broker_epoch,
                                      .channel = [connect = params.channel, leader,
                                                  lane = index] { return connect(leader, lane); },
                                      .settings = params.settings,
                                      .quota = params.quota});
  }
  return *fetcher;
}

}  // namespace longhaul::broker::replication
