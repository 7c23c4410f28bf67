#include <gtest/gtest.h>

#include "tests/broker/raft/quorum_sim.h"

namespace longhaul::broker::raft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Quorum, ElectsOneLeaderAndCommits) {
  for (int voters : {1, 2, 3, 5}) {
    QuorumSim sim(voters, /*observers=*/1, /*seed=*/7);
    sim.run(seconds(20));
    ASSERT_TRUE(sim.leader()) << voters;
    EXPECT_GT(sim.committed(), 5) << voters;
    EXPECT_LE(sim.elections, 2) << voters;
    sim.run(seconds(3), /*propose=*/false);
    EXPECT_TRUE(sim.all_caught_up()) << voters << sim.state();
  }
}

TEST(Quorum, AnotherLeaderWhenTheFirstIsGone) {
  QuorumSim sim(3, 0, 11);
  sim.run(seconds(10));
  int first = sim.leader().value();
  int64_t before = sim.committed();
  sim.crash(first, false);
  sim.run(seconds(10));
  ASSERT_TRUE(sim.leader());
  EXPECT_NE(*sim.leader(), first);
  EXPECT_GT(sim.committed(), before);
  sim.start(first);
  sim.run(seconds(5));
  sim.run(seconds(3), false);
  EXPECT_TRUE(sim.all_caught_up()) << sim.state();
}

TEST(Quorum, AnIsolatedReplicaDoesNotUnseatTheLeader) {
  QuorumSim sim(3, 0, 13);
  sim.run(seconds(10));
  int leader = sim.leader().value();
  int32_t epoch = sim.raft(leader)->epoch();
  int lonely = leader == 1 ? 2 : 1;
  sim.run(seconds(3), /*propose=*/false);  // its log is as good as any: that is not what stops it
  sim.isolate({lonely});
  sim.run(seconds(30), false);
  EXPECT_EQ(sim.raft(lonely)->epoch(), epoch);
  sim.heal();
  sim.run(seconds(10), false);
  EXPECT_EQ(sim.leader(), leader);
  EXPECT_EQ(sim.raft(leader)->epoch(), epoch);  // pre-vote: no epoch was wasted
}

TEST(Quorum, ALeaderWithoutFollowersResigns) {
  QuorumSim sim(3, 0, 17);
  sim.run(seconds(10));
  int leader = sim.leader().value();
  sim.isolate({leader});
  sim.run(seconds(10));
  EXPECT_FALSE(sim.raft(leader)->is_leader());
  ASSERT_TRUE(sim.leader());
  EXPECT_NE(*sim.leader(), leader);
}

TEST(Quorum, AnOrderlyResignationIsQuick) {
  QuorumSim sim(3, 0, 19);
  sim.run(seconds(10));
  int leader = sim.leader().value();
  sim.resign(leader);
  sim.run(milliseconds(500));
  ASSERT_TRUE(sim.leader());
  EXPECT_NE(*sim.leader(), leader);
}

TEST(Quorum, AMajorityOfEmptyDisksElectsNobody) {
  QuorumSim sim(3, 0, 23);
  sim.run(seconds(10));
  int elections = sim.elections;
  int64_t committed = sim.committed();
  for (int id = 1; id <= 3; ++id) sim.crash(id, true);
  sim.lose_disk(1);
  sim.lose_disk(3);
  sim.start_all();
  sim.run(seconds(60));
  EXPECT_EQ(sim.elections, elections);
  EXPECT_EQ(sim.committed(), committed);
  for (int id = 1; id <= 3; ++id) EXPECT_FALSE(sim.raft(id)->is_leader());
}

TEST(Quorum, OneEmptyDiskObservesWhileTheOthersGoOn) {
  QuorumSim sim(3, 0, 29);
  sim.run(seconds(10));
  sim.lose_disk(2);
  sim.start(2);
  sim.run(seconds(10));
  sim.run(seconds(3), false);
  EXPECT_TRUE(sim.all_caught_up()) << sim.state();
  EXPECT_EQ(sim.raft(2)->role(), Role::kFollower);
  EXPECT_FALSE(sim.raft(2)->is_voter());
}

/// Crashes, cuts, losses and duplicates, then peace.
std::string ordeal(uint64_t seed, int* truncations) {
  int voters = 3 + static_cast<int>(seed % 2) * 2;
  QuorumSim sim(voters, static_cast<int>(seed % 3), seed);
  sim.faults.lose_percent = seed % 4 * 5;
  sim.faults.duplicate_percent = 10;
  sim.faults.max_delay_us = 1'000 + static_cast<int64_t>(seed % 5) * 20'000;
  auto any = [&] {
    return 1 + static_cast<int>(sim.random().below(static_cast<uint64_t>(sim.nodes())));
  };
  for (int round = 0; round < 20; ++round) {
    switch (sim.random().below(5)) {
      case 0:
        sim.crash(any(), sim.random().below(2) == 0);
        break;
      case 1:
        sim.start(any());
        break;
      case 2:
        sim.cut(any(), any());
        break;
      case 3:
        sim.heal();
        break;
      default:
        if (sim.leader()) sim.crash(*sim.leader(), false);
    }
    sim.run(milliseconds(100 + sim.random().below(4'000)));
    if (::testing::Test::HasFailure()) return sim.story();
  }
  sim.heal();
  sim.faults = {};
  sim.start_all();
  int64_t before = sim.committed();
  sim.run(seconds(10));
  EXPECT_TRUE(sim.leader());
  EXPECT_GT(sim.committed(), before) << "no progress after the faults ended";
  sim.run(seconds(3), false);
  EXPECT_TRUE(sim.all_caught_up()) << sim.state();
  *truncations += sim.truncations;
  return sim.story();
}

TEST(Quorum, SafeAndLiveUnderFaults) {
  int truncations = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    ordeal(seed, &truncations);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(truncations, 10);  // logs have parted and found together again
}

TEST(Quorum, ARunRepeatsFromItsSeed) {
  int truncations = 0;
  EXPECT_EQ(ordeal(5, &truncations), ordeal(5, &truncations));
}

}  // namespace
}  // namespace longhaul::broker::raft
