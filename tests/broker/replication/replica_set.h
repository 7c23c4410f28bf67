// One partition on several brokers, with real logs, leaders and fetchers, on a simulated clock,
// network and disks, under a controller of a few lines. What it is for: everything that may go
// wrong between a leader and its followers.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/memory_file_system.h"
#include "broker/partition/isr_updater.h"
#include "broker/replication/fetcher_manager.h"
#include "records/compression.h"
#include "tests/support/loop.h"
#include "tests/support/simulation.h"

namespace longhaul::broker::replication {

using namespace std::chrono_literals;

class ReplicaSet;

/// A broker's run, from its start to its end.
class Replica final : public partition::Eligibility, public std::enable_shared_from_this<Replica> {
 public:
  Replica(ReplicaSet& set, int32_t id, int64_t epoch, base::MemoryFileSystem& files);
  ~Replica() override;

  std::optional<int64_t> epoch_of(int32_t broker_id) const override;
  /// What the controller has decided arrives.
  void take_up(const metadata::Partition& state);
  partition::Partition& partition() { return *partition_; }
  log::Log& log() const { return *partition_->log(); }

  const int32_t id;
  const int64_t epoch;

 private:
  ReplicaSet& set_;
  sim::Loop loop_;
  sim::Workers workers_;
  partition::Surroundings surroundings_;
  std::shared_ptr<partition::IsrUpdater> updater_;
  std::shared_ptr<partition::Partition> partition_;
  std::unique_ptr<FetcherManager> fetchers_;
  struct Proposals final : partition::IsrProposals {
    std::shared_ptr<partition::IsrUpdater>* updater = nullptr;
    void propose(const log::TopicPartition& id, const base::Uuid& topic,
                 partition::IsrProposal proposal) override {
      (*updater)->propose(id, topic, std::move(proposal));
    }
  } proposals_;
  int32_t partition_epoch_ = -1;
};

class ReplicaSet {
 public:
  static constexpr int kBrokers = 3;
  static constexpr auto kMaxLag = 400ms;

  /// `on_disk`: the topic has longhaul.durability=fsync.
  explicit ReplicaSet(uint64_t seed, bool on_disk = false);
  ~ReplicaSet();

  /// A record that is to be acknowledged once it is committed.
  void produce();
  /// The process dies; with `mode` of its disk. The controller notices after a while.
  void crash(int32_t id, base::CrashMode mode);
  void start(int32_t id);
  /// Nothing passes between the two for that long.
  void cut(int32_t a, int32_t b, sim::Time span);
  /// The controller takes the broker for dead although it is not.
  void fence(int32_t id);
  /// Makes a member of the ISR the leader while the one before goes on as a follower.
  void prefer(int32_t id);
  void heal() { cut_until_.clear(); }

  bool is_up(int32_t id) const { return replicas_.contains(id); }
  bool is_in_sync(int32_t id) const;
  size_t isr_size() const { return state_.isr.size(); }
  int32_t leader() const { return state_.leader; }
  Replica* replica(int32_t id);
  size_t acknowledged() const { return acknowledged_.size(); }
  /// All are in sync, their logs are the same, and everything acknowledged is in them.
  bool has_settled();
  void check();
  std::string describe();

  sim::Simulation simulation;
  const bool on_disk;
  /// What was said last.
  struct Lines final : base::LogSink {
    std::deque<std::string> last;
    void write(base::LogLevel, std::string_view who, std::string_view text) override {
      if (text.ends_with("lost")) return;
      last.push_back(std::string(who) + ": " + std::string(text));
      if (last.size() > 40) last.pop_front();
    }
  } lines;
  sim::Clock clock{simulation};
  partition::ReplicationQuota quota{clock, 10s};  ///< of all followers
  std::map<std::string, int> counts;              ///< of what has happened

 private:
  friend class Replica;
  friend class Wire;
  using AlterPartitionRequest = protocol::AlterPartitionRequest;
  using AlterPartitionResponse = protocol::AlterPartitionResponse;

  AlterPartitionResponse alter(const AlterPartitionRequest& request);
  void elect_and_publish();
  void watch_high_watermarks();
  bool is_cut(int32_t a, int32_t b) const;
  std::map<int64_t, int64_t> content(Replica& replica);

  sim::Loop controller_{simulation};
  metadata::Partition state_;
  std::map<int32_t, int64_t> live_;  // broker to epoch
  std::map<int32_t, std::unique_ptr<base::MemoryFileSystem>> disks_;
  std::map<int32_t, std::shared_ptr<Replica>> replicas_;
  std::map<std::pair<int32_t, int32_t>, sim::Time> cut_until_;
  std::map<int64_t, int64_t> acknowledged_;  // offset to value
  int64_t next_value_ = 0;
  int64_t last_epoch_ = 0;
};

}  // namespace longhaul::broker::replication
