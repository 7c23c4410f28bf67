// Quorums of whole metadata nodes: driver, log, controller and images.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/broker/metadata/cluster_sim.h"

namespace longhaul::broker::metadata {
namespace {

using base::CrashMode;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool has_active_leader(ClusterSim& sim) {
  auto leader = sim.leader();
  return leader && !sim.node(*leader).images().current()->features.empty();
}

TEST(Cluster, ThreeVotersElectOneAndAnyNodeTakesRequests) {
  ClusterSim sim({.voters = 3, .observers = 1}, 3);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)));
  for (int id = 1; id <= 4; ++id) sim.propose(id);
  EXPECT_TRUE(sim.run_until([&] { return sim.acknowledged() == 4; }, seconds(5)));
  EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(5))) << sim.describe();
  sim.check_images();
  EXPECT_EQ(sim.counts["election"], 1);
}

TEST(Cluster, AnOrderlyStopHandsTheLeadOver) {
  ClusterSim sim({.voters = 3}, 5);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)));
  int first = *sim.leader();
  sim.run(seconds(2));
  sim.stop(first);
  EXPECT_TRUE(sim.run_until([&] { return sim.leader().has_value(); }, milliseconds(700)))
      << sim.describe();
  sim.start(first);
  EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(10))) << sim.describe();
}

TEST(Cluster, WhatIsGoneFromTheLogComesAsASnapshot) {
  ClusterSim sim({.voters = 3, .observers = 1}, 7);
  sim.options.snapshot_after_bytes = 1000;
  sim.options.retention_bytes = 1;
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)));
  sim.crash(4, CrashMode::kLoseUnsynced);
  for (int i = 0; i < 50; ++i) {
    sim.propose(1);
    sim.run(milliseconds(50));
  }
  EXPECT_EQ(sim.acknowledged(), 50u);
  sim.start(4);
  EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(10))) << sim.describe();
  EXPECT_GT(sim.counts["snapshot taken over"], 0);
  sim.check_images();
  // It is on disk as well.
  sim.crash(4, CrashMode::kLoseUnsynced);
  sim.start(4);
  EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(10))) << sim.describe();
}

TEST(Cluster, WhoHasHandedTheLeadOverStillServes) {
  ClusterSim sim({.voters = 3}, 5);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)));
  int first = *sim.leader();
  sim.run(seconds(2));
  sim.node(first).resign();
  EXPECT_TRUE(sim.run_until([&] { return sim.leader().has_value() && sim.leader() != first; },
                            milliseconds(700)))
      << sim.describe();
  sim.propose(first);
  EXPECT_TRUE(sim.run_until([&] { return sim.acknowledged() == 1; }, seconds(2)));
}

TEST(Cluster, NobodyTakesALeadersAddressFromWhoDoesNotLead) {
  ClusterSim sim({.voters = 3}, 9);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)));
  int leader = *sim.leader();
  int follower = leader % 3 + 1;
  protocol::BeginQuorumEpochRequest request;
  request.voter_id = follower;
  auto& topic = request.topics.emplace_back();
  topic.topic_name = raft::kMetadataTopic;
  auto& partition = topic.partitions.emplace_back();
  partition.voter_directory_id = sim.voter(leader).key.directory;  // of another disk
  partition.leader_id = leader;
  partition.leader_epoch = sim.raft(leader).epoch();
  request.leader_endpoints.push_back({"CONTROLLER", "n99", 9093});
  int refused = 0;
  auto heard = [&](const QuorumResponse& response) {
    const auto& wire = std::get<protocol::BeginQuorumEpochResponse>(response);
    auto error = wire.topics.at(0).partitions.at(0).error_code;
    refused += error == protocol::ErrorCode::kInvalidVoterKey ? 1 : 0;
  };
  // Some of them between two fetches, while the follower's disk is busy.
  for (int i = 0; i < 500; ++i) {
    if (i % 10 == 0) sim.propose(leader);
    sim.node(follower).serve(request, {1, "CONTROLLER", false, {}}, heard);
    sim.run(milliseconds(1));
  }
  EXPECT_GT(refused, 400);
  EXPECT_EQ(sim.counts["connection to nobody"], 0);
  EXPECT_EQ(sim.leader(), leader);
}

TEST(Cluster, WhoseDiskIsFullHandsTheLeadOverAndWaitsForRoom) {
  ClusterSim sim({.voters = 3}, 11);
  sim.start_all();
  ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)));
  sim.run(seconds(2));
  int full = *sim.leader();
  sim.disk(full).set_capacity(sim.disk(full).used_bytes() + 10);
  sim.propose(full);
  ASSERT_TRUE(sim.run_until([&] { return sim.leader() && sim.leader() != full; }, seconds(1)))
      << sim.describe();
  int other = full % 3 + 1;
  for (int i = 0; i < 5; ++i) sim.propose(other);
  EXPECT_TRUE(sim.run_until([&] { return sim.acknowledged() == 5; }, seconds(3)));
  sim.run(seconds(10));
  EXPECT_NE(sim.leader(), full);
  sim.disk(full).set_capacity(1 << 30);
  EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(5))) << sim.describe();
  sim.check_images();
}

TEST(Cluster, FullDisksOfAllClaimNothingAndGoOnWithRoom) {
  for (uint64_t room = 0; room < 2000; room += 77) {
    ClusterSim sim({.voters = 3, .observers = 1}, 13 + room);
    sim.start_all();
    ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)));
    for (int id = 1; id <= 4; ++id)
      sim.disk(id).set_capacity(sim.disk(id).used_bytes() + room / static_cast<uint64_t>(id));
    for (int i = 0; i < 20; ++i) {
      sim.propose(1 + i % 4);
      sim.run(milliseconds(300));
    }
    sim.crash(1 + static_cast<int>(room % 3), CrashMode::kKeepAll);
    sim.run(seconds(5));
    for (int id = 1; id <= 4; ++id) sim.disk(id).set_capacity(1 << 30);
    sim.start_all();
    size_t before = sim.acknowledged();
    EXPECT_LT(before, 20u);
    ASSERT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20)))
        << sim.describe();
    sim.propose(1);
    EXPECT_TRUE(sim.run_until([&] { return sim.acknowledged() > before; }, seconds(10)));
    EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(10))) << sim.describe();
    sim.check_images();
  }
}

CrashMode some_mode(base::Random& random) {
  static constexpr CrashMode kModes[] = {CrashMode::kKeepAll, CrashMode::kLoseUnsynced,
                                         CrashMode::kTorn};
  return kModes[random.below(3)];
}

void harm(ClusterSim& sim, base::Random& random) {
  int any = 1 + static_cast<int>(random.below(static_cast<uint64_t>(sim.size())));
  switch (random.below(6)) {
    case 0:
      return sim.crash(any, some_mode(random));
    case 1:
      return sim.start(any);
    case 2:
      return sim.isolate(any);
    case 3:
      return sim.heal();
    case 4:
      return sim.start_all();
    default:
      if (sim.leader()) sim.crash(*sim.leader(), some_mode(random));
  }
}

/// Crashes, cuts, losses; then peace.
void ordeal(uint64_t seed, std::map<std::string, int>& counts) {
  ClusterSim sim({.voters = 3, .observers = static_cast<int>(seed % 2)}, seed);
  if (seed % 3 == 0) {
    sim.options.snapshot_after_bytes = 1500;
    sim.options.retention_bytes = 1;
  }
  sim.faults.lose_percent = seed % 4 * 4;
  sim.faults.delay = sim::Time(200 + seed % 5 * 4000);
  base::Random& random = sim.simulation.random();
  sim.start_all();
  for (int round = 0; round < 12 && !::testing::Test::HasFailure(); ++round) {
    for (uint64_t i = 2 + random.below(20); i > 0; --i) {
      sim.propose(1 + static_cast<int>(random.below(static_cast<uint64_t>(sim.size()))));
      sim.run(milliseconds(random.below(300)));
    }
    harm(sim, random);
  }
  if (::testing::Test::HasFailure()) return;
  sim.heal();
  sim.faults = {};
  sim.start_all();
  size_t before = sim.acknowledged();
  EXPECT_TRUE(sim.run_until([&] { return has_active_leader(sim); }, seconds(20))) << sim.describe();
  sim.propose(1);
  EXPECT_TRUE(sim.run_until([&] { return sim.acknowledged() > before; }, seconds(10)))
      << sim.describe();
  EXPECT_TRUE(sim.run_until([&] { return sim.has_settled(); }, seconds(20))) << sim.describe();
  sim.check_images();
  for (const auto& [what, count] : sim.counts) counts[what] += count;
}

TEST(Cluster, SafeAndLiveUnderFaults) {
  std::map<std::string, int> counts;
  // More of them on demand.
  const char* wanted = std::getenv("LONGHAUL_SIM_SEEDS");
  uint64_t seeds = std::max<uint64_t>(wanted == nullptr ? 0 : std::stoull(wanted), 30);
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    ordeal(seed, counts);
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(counts["election"], 60);
  EXPECT_GT(counts["crash"], 60);
  EXPECT_GT(counts["snapshot taken over"], 3);
}

}  // namespace
}  // namespace longhaul::broker::metadata
