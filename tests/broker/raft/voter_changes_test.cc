#include <gtest/gtest.h>

#include "tests/broker/raft/quorum_sim.h"

namespace longhaul::broker::raft {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class VoterChanges : public ::testing::Test {
 protected:
  void add(QuorumSim& sim, int id) {
    ASSERT_TRUE(sim.change_until_done(
        [&] {
          return AddVoterRequest{sim.voter(id), true};
        },
        seconds(30)))
        << "adding " << id << sim.state();
  }
  void remove(QuorumSim& sim, ReplicaKey key) {
    ASSERT_TRUE(sim.change_until_done([&] { return RemoveVoterRequest{key}; }, seconds(30)))
        << "removing " << key.id << sim.state();
  }
  /// Where the leader has just been removed, of its successor.
  const VoterSet& voters(QuorumSim& sim) {
    for (int i = 0; i < 100 && !sim.leader(); ++i) sim.run(milliseconds(5));
    return sim.raft(sim.leader().value())->voters().latest();
  }
  /// The answer to a change that is refused at once.
  ErrorCode refused(QuorumSim& sim, const Request& request) {
    auto token = sim.change(request);
    EXPECT_TRUE(token && sim.changes.count(*token) > 0);
    return token ? sim.changes[*token] : ErrorCode::kNone;
  }
};

TEST_F(VoterChanges, FromOneToFiveAndBack) {
  QuorumSim sim(1, 4, 31);
  sim.run(seconds(5));
  for (int id = 2; id <= 5; ++id) {
    add(sim, id);
    EXPECT_EQ(voters(sim).size(), static_cast<size_t>(id));
  }
  // Four that were added can do without the first one.
  sim.crash(1, false);
  int64_t before = sim.committed();
  sim.run(seconds(10));
  EXPECT_GT(sim.committed(), before);
  sim.start(1);
  for (int id = 5; id >= 2; --id) {
    remove(sim, sim.voter(id).key);
    EXPECT_EQ(voters(sim).size(), static_cast<size_t>(id - 1));
  }
  sim.run(seconds(5));
  EXPECT_EQ(sim.leader(), 1);
  sim.run(seconds(3), false);
  EXPECT_TRUE(sim.all_caught_up()) << sim.state();
}

TEST_F(VoterChanges, ALeaderThatIsRemovedCommitsThatAndGoes) {
  QuorumSim sim(3, 0, 37);
  sim.run(seconds(5));
  int old = sim.leader().value();
  remove(sim, sim.voter(old).key);
  EXPECT_FALSE(sim.raft(old)->is_leader());
  sim.run(seconds(5));
  ASSERT_TRUE(sim.leader());
  EXPECT_NE(*sim.leader(), old);
  EXPECT_EQ(voters(sim).size(), 2u);
  EXPECT_EQ(sim.raft(old)->role(), Role::kFollower);  // it observes
  EXPECT_FALSE(sim.raft(old)->is_voter());
}

TEST_F(VoterChanges, ALostDiskIsRemovedAndAddedAnew) {
  QuorumSim sim(3, 0, 41);
  sim.run(seconds(5));
  int lost = sim.leader().value() % 3 + 1;
  ReplicaKey old = sim.voter(lost).key;
  sim.lose_disk(lost);
  sim.start(lost);
  sim.run(seconds(5));
  EXPECT_EQ(refused(sim, AddVoterRequest{sim.voter(lost), true}), ErrorCode::kDuplicateVoter);
  EXPECT_EQ(refused(sim, RemoveVoterRequest{sim.voter(lost).key}), ErrorCode::kVoterNotFound);
  remove(sim, old);
  add(sim, lost);
  EXPECT_TRUE(voters(sim).contains(sim.voter(lost).key));
  EXPECT_FALSE(voters(sim).contains(old));
  // It counts: with another one gone, it makes the majority.
  int other = 6 - lost - *sim.leader();
  sim.crash(other, false);
  int64_t before = sim.committed();
  sim.run(seconds(10));
  EXPECT_GT(sim.committed(), before);
}

TEST_F(VoterChanges, OnlyOneAtATimeAndOnlyOfThoseThatCaughtUp) {
  QuorumSim sim(3, 2, 43);
  sim.run(seconds(5));
  int leader = sim.leader().value();
  sim.crash(5, false);
  sim.run(seconds(5));
  EXPECT_EQ(refused(sim, AddVoterRequest{sim.voter(5), true}), ErrorCode::kRequestTimedOut);
  auto first = sim.change(AddVoterRequest{sim.voter(4), true});
  EXPECT_EQ(refused(sim, RemoveVoterRequest{sim.voter(1).key}), ErrorCode::kRequestTimedOut);
  EXPECT_EQ(sim.changes.count(*first), 0u);  // not before it is committed
  sim.run(seconds(1));
  EXPECT_EQ(sim.changes[*first], ErrorCode::kNone);
  EXPECT_EQ(sim.leader(), leader);
}

TEST_F(VoterChanges, WhatWasNotCommittedIsTakenBack) {
  QuorumSim sim(3, 1, 47);
  sim.run(seconds(5));
  int old = sim.leader().value();
  sim.isolate({old});
  auto token = sim.change(AddVoterRequest{sim.voter(4), true});
  EXPECT_EQ(sim.raft(old)->voters().latest().size(), 4u);
  sim.run(seconds(10));
  EXPECT_EQ(sim.changes[*token], ErrorCode::kRequestTimedOut);
  sim.heal();
  sim.run(seconds(5));
  EXPECT_EQ(sim.raft(old)->voters().latest().size(), 3u);
  EXPECT_GT(sim.truncations, 0);
}

TEST_F(VoterChanges, AVoterThatWasAwayFindsThoseOfToday) {
  QuorumSim sim(3, 2, 61);
  sim.run(seconds(5));
  sim.crash(3, true);
  add(sim, 4);
  remove(sim, sim.voter(3).key);
  add(sim, 5);
  for (int id : {1, 2}) remove(sim, sim.voter(id).key);
  // Of the voters that it knows none answers.
  for (int id : {1, 2}) sim.crash(id, true);
  sim.start(3);
  sim.run(seconds(30));
  EXPECT_EQ(sim.raft(3)->role(), Role::kFollower);
  EXPECT_EQ(sim.raft(3)->leader(), sim.leader());
  EXPECT_FALSE(sim.raft(3)->is_voter());
}

TEST_F(VoterChanges, VotersThatWereAwayTogetherFindThoseOfToday) {
  QuorumSim sim(5, 3, 67);
  sim.run(seconds(5));
  for (int id : {3, 4}) sim.crash(id, true);
  for (int id : {6, 7, 8}) add(sim, id);
  for (int id : {3, 4, 1, 2, 5}) remove(sim, sim.voter(id).key);
  for (int id : {1, 2, 5}) sim.crash(id, true);
  // They have an answer from each other, and no majority of the voters that they know.
  for (int id : {3, 4}) sim.start(id);
  sim.run(seconds(60));
  for (int id : {3, 4}) {
    EXPECT_EQ(sim.raft(id)->role(), Role::kFollower) << sim.state();
    EXPECT_EQ(sim.raft(id)->leader(), sim.leader());
    EXPECT_FALSE(sim.raft(id)->is_voter());
  }
}

TEST_F(VoterChanges, AVoterReportsItsEndpoints) {
  QuorumSim sim(3, 0, 53);
  sim.run(seconds(5));
  int leader = sim.leader().value();
  int moved = leader % 3 + 1;
  Voter changed = sim.voter(moved);
  changed.endpoints[0].host = "elsewhere";
  // At once: that it counts may need the voter itself, which waits for this answer.
  EXPECT_EQ(refused(sim, UpdateVoterRequest{sim.raft(leader)->epoch(), changed}), ErrorCode::kNone);
  EXPECT_EQ(*voters(sim).find(moved), changed);
  sim.run(seconds(10));
  // The voter sees what the record says of it, and has it put right.
  EXPECT_EQ(*voters(sim).find(moved), sim.voter(moved));
  EXPECT_EQ(refused(sim, UpdateVoterRequest{0, changed}), ErrorCode::kFencedLeaderEpoch);
}

TEST_F(VoterChanges, ANewNodeBeginsFromASnapshot) {
  QuorumSim sim(3, 0, 59);
  sim.run(seconds(5));
  for (int id = 1; id <= 3; ++id) sim.snapshot(id, /*clean=*/true);
  int lost = sim.leader().value() % 3 + 1;
  ASSERT_GT(sim.log_start(*sim.leader()), 0);
  ReplicaKey old = sim.voter(lost).key;
  sim.lose_disk(lost);
  sim.start(lost);
  remove(sim, old);
  add(sim, lost);
  EXPECT_EQ(sim.installed, 1);
  EXPECT_GT(sim.log_start(lost), 0);
  sim.run(seconds(3), false);
  EXPECT_TRUE(sim.all_caught_up()) << sim.state();
}

/// Changes of voters and lost disks under faults; a majority of the voters keeps its disks.
class ChangingQuorum {
 public:
  explicit ChangingQuorum(uint64_t seed)
      : sim_(seed % 2 == 0 ? 1 : 3, seed % 2 == 0 ? 4 : 2, seed) {
    sim_.faults.lose_percent = seed % 4 * 3;
    sim_.faults.duplicate_percent = 10;
    sim_.faults.max_delay_us = 1'000 + static_cast<int64_t>(seed % 3) * 20'000;
    sim_.faults.snapshot_percent = seed % 5 < 2 ? 0 : 1;
  }

  void round() {
    switch (sim_.random().below(8)) {
      case 0:
        sim_.crash(any(), sim_.random().below(2) == 0);
        break;
      case 1:
        sim_.cut(any(), any());
        break;
      case 2:
        sim_.heal();
        break;
      case 3:
        lose_a_disk();
        break;
      case 4:
        sim_.start_all();
        break;
      default:
        change_a_voter();
    }
    sim_.run(milliseconds(100 + sim_.random().below(3'000)));
  }

  void end_well() {
    sim_.heal();
    sim_.faults = {};
    sim_.start_all();
    int64_t before = sim_.committed();
    sim_.run(seconds(12));
    EXPECT_TRUE(sim_.leader());
    EXPECT_GT(sim_.committed(), before) << "no progress after the faults ended" << sim_.state();
    sim_.run(seconds(4), false);
    EXPECT_TRUE(sim_.all_caught_up()) << sim_.state();
  }
  const QuorumSim& sim() const { return sim_; }
  int changed() {
    int done = 0;
    for (const auto& [token, error] : sim_.changes) done += error == ErrorCode::kNone ? 1 : 0;
    return done;
  }

 private:
  int any() {
    return 1 + static_cast<int>(sim_.random().below(static_cast<uint64_t>(sim_.nodes())));
  }
  /// The voters, if their last change is committed under the present leader.
  const VoterSet* settled() const {
    if (!sim_.leader()) return nullptr;
    const Raft& raft = *sim_.raft(*sim_.leader());
    int64_t begun = raft.epochs().starts().rbegin()->second;
    bool is_settled = raft.high_watermark() > std::max(begun, raft.voters().latest_offset());
    return is_settled ? &raft.voters().latest() : nullptr;
  }
  bool is_viable(const VoterSet& voters, size_t more_lost = 0) const {
    return sim_.with_disk(voters) >= voters.majority() + more_lost;
  }
  void lose_a_disk() {
    const VoterSet* voters = settled();
    if (voters != nullptr && is_viable(*voters, 1)) sim_.lose_disk(any());
  }
  void change_a_voter() {
    const VoterSet* voters = settled();
    if (voters == nullptr) return;
    int id = any();
    const Voter* known = voters->find(id);
    if (known == nullptr) {
      sim_.change(AddVoterRequest{sim_.voter(id), sim_.random().below(2) == 0});
    } else if (voters->size() > 1 && is_viable(voters->without(id))) {
      sim_.change(RemoveVoterRequest{known->key});
    }
  }

  QuorumSim sim_;
};

TEST_F(VoterChanges, SafeAndLiveUnderFaults) {
  int changed = 0;
  int installed = 0;
  int truncations = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    ChangingQuorum quorum(seed);
    for (int round = 0; round < 40 && !HasFailure(); ++round) quorum.round();
    if (!HasFailure()) quorum.end_well();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    changed += quorum.changed();
    installed += quorum.sim().installed;
    truncations += quorum.sim().truncations;
  }
  EXPECT_GT(changed, 100);
  EXPECT_GT(installed, 20);
  EXPECT_GT(truncations, 5);
}

}  // namespace
}  // namespace longhaul::broker::raft
