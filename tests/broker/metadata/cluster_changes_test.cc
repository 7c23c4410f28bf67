// Quorums of whole metadata nodes whose voters change and whose disks are lost or full.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include "tests/broker/metadata/cluster_sim.h"

namespace longhaul::broker::metadata {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ClusterChanges, ALostDiskIsReplaced) {
  ClusterSim sim({.voters = 3}, 21);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return sim.leader().has_value(); }, seconds(20)));
  sim.run(seconds(2));
  int lost = *sim.leader() % 3 + 1;
  raft::ReplicaKey old = sim.voter(lost).key;
  sim.lose_disk(lost);
  sim.start(lost);
  ASSERT_NE(sim.voter(lost).key, old);
  sim.run(seconds(2));
  sim.remove_voter(lost, old);  // by way of any node
  ASSERT_TRUE(sim.run_until([&] { return sim.counts["voters changed"] == 1; }, seconds(5)));
  sim.add_voter(lost, lost);
  ASSERT_TRUE(sim.run_until([&] { return sim.counts["voters changed"] == 2; }, seconds(5)));
  EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(5))) << sim.describe();
  EXPECT_EQ(sim.with_disk(sim.raft(*sim.leader()).voters().latest()), 3u);
}

TEST(ClusterChanges, NobodyIsAddedWhomTheLeaderDoesNotReach) {
  ClusterSim sim({.voters = 1, .observers = 1}, 23);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return sim.has_settled() && sim.leader() == 1; }, seconds(20)));
  sim.cut(1, 2);
  sim.add_voter(1, 2);
  ASSERT_TRUE(sim.run_until([&] { return sim.counts["not changed"] == 1; }, seconds(4)));
  EXPECT_EQ(sim.raft(1).voters().latest().size(), 1u);
  sim.heal();
  sim.run(seconds(5));
  sim.add_voter(2, 2);
  ASSERT_TRUE(sim.run_until([&] { return sim.counts["voters changed"] == 1; }, seconds(5)))
      << sim.describe();
  EXPECT_EQ(sim.raft(1).voters().latest().size(), 2u);
}

TEST(ClusterChanges, AnObserverWhoseLeaderDiedHearsOfTheNextAtOnce) {
  ClusterSim sim({.voters = 3, .observers = 1}, 25);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return sim.has_settled() && sim.leader(); }, seconds(20)));
  sim.run(seconds(2));
  int first = *sim.leader();
  sim.crash(first, base::CrashMode::kKeepAll);
  EXPECT_TRUE(sim.run_until([&] { return sim.leader() && sim.raft(4).leader() == sim.leader(); },
                            milliseconds(1500)))
      << sim.describe();
  EXPECT_GT(sim.counts["refused"], 0);
}

/// A majority of the voters keeps its disks, as whoever changes voters has to see to.
class Ordeal {
 public:
  explicit Ordeal(uint64_t seed) : sim_({seed % 3 == 0 ? 1 : 3, seed % 3 == 0 ? 4 : 2}, seed) {
    sim_.faults.lose_percent = seed % 4 * 3;
    sim_.faults.delay = sim::Time(200 + seed % 5 * 3000);
    if (seed % 2 == 0) {
      sim_.options.snapshot_after_bytes = 1500;
      sim_.options.retention_bytes = 1;
    }
    sim_.start_all();
  }

  void round() {
    if (below(3) > 0) {
      mend();
      sim_.run(milliseconds(below(4000)));
    }
    for (uint64_t i = 1 + below(5); i > 0; --i) {
      sim_.propose(any());
      sim_.run(milliseconds(below(300)));
    }
    switch (below(8)) {
      case 0:
        return sim_.crash(any(), some_mode());
      case 1:
        return sim_.isolate(any());
      case 2:
        return lose_a_disk();
      case 3:
        if (sim_.leader()) sim_.crash(*sim_.leader(), some_mode());
        return;
      case 4:
        return fill_a_disk();
      default:
        return change_a_voter();
    }
  }

  void end_well() {
    sim_.faults = {};
    mend();
    size_t before = sim_.acknowledged();
    EXPECT_TRUE(sim_.run_until([&] { return sim_.leader().has_value(); }, seconds(20)))
        << sim_.describe();
    sim_.propose(1);
    EXPECT_TRUE(sim_.run_until([&] { return sim_.acknowledged() > before; }, seconds(10)))
        << sim_.describe();
    EXPECT_TRUE(sim_.run_until([&] { return sim_.has_settled(); }, seconds(20))) << sim_.describe();
    sim_.check_images();
  }
  ClusterSim& sim() { return sim_; }

 private:
  uint64_t below(uint64_t end) { return sim_.simulation.random().below(end); }
  int any() { return 1 + static_cast<int>(below(static_cast<uint64_t>(sim_.size()))); }
  base::CrashMode some_mode() {
    return below(2) == 0 ? base::CrashMode::kTorn : base::CrashMode::kLoseUnsynced;
  }
  /// The voters, if their last change is committed under the present leader.
  std::optional<raft::VoterSet> settled() {
    if (!sim_.leader() || sim_.is_change_in_doubt()) return std::nullopt;
    const raft::Raft& raft = sim_.raft(*sim_.leader());
    int64_t begun = raft.epochs().starts().rbegin()->second;
    bool is_settled = raft.high_watermark() > std::max(begun, raft.voters().latest_offset());
    return is_settled ? std::optional(raft.voters().latest()) : std::nullopt;
  }
  bool is_viable(const raft::VoterSet& voters, size_t more_lost = 0) const {
    return sim_.with_disk(voters) >= voters.majority() + more_lost;
  }
  void mend() {
    sim_.heal();
    for (int id = 1; id <= sim_.size(); ++id) sim_.disk(id).set_capacity(UINT64_MAX);
    sim_.start_all();
  }
  void fill_a_disk() {
    base::MemoryFileSystem& disk = sim_.disk(any());
    disk.set_capacity(disk.used_bytes() + below(1000));
    ++sim_.counts["disk full"];
  }
  void lose_a_disk() {
    auto voters = settled();
    if (!voters || !is_viable(*voters, 1)) return;
    ++sim_.counts["disk lost"];
    sim_.lose_disk(any());
  }
  void change_a_voter() {
    auto voters = settled();
    if (!voters) return;
    int id = any();
    const raft::Voter* known = voters->find(id);
    if (known == nullptr) return sim_.add_voter(any(), id);
    if (voters->size() > 1 && is_viable(voters->without(id))) sim_.remove_voter(any(), known->key);
  }

  ClusterSim sim_;
};

TEST(ClusterChanges, SafeAndLiveUnderFaults) {
  std::map<std::string, int> counts;
  const char* wanted = std::getenv("LONGHAUL_SIM_SEEDS");  // more of them on demand
  uint64_t seeds = std::max<uint64_t>(wanted == nullptr ? 0 : std::stoull(wanted), 30);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    Ordeal ordeal(seed);
    for (int round = 0; round < 30 && !HasFailure(); ++round) ordeal.round();
    if (!HasFailure()) ordeal.end_well();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    for (const auto& [what, count] : ordeal.sim().counts) counts[what] += count;
  }
  EXPECT_GT(counts["voters changed"], 60);
  EXPECT_GT(counts["disk lost"], 10);
  EXPECT_GT(counts["disk full"], 60);
  EXPECT_GT(counts["refused"], 20);
  EXPECT_GT(counts["snapshot taken over"], 3);
}

}  // namespace
}  // namespace longhaul::broker::metadata
