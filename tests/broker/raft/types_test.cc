#include "broker/raft/types.h"

#include <gtest/gtest.h>

namespace longhaul::broker::raft {
namespace {

const base::Uuid kDisk = base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value();
const base::Uuid kOtherDisk = base::Uuid::parse("AAAAAAAAAAAAAAAAAAAAAQ").value();

VoterSet set_of(std::initializer_list<int32_t> ids) {
  std::vector<Voter> voters;
  for (int32_t id : ids) voters.push_back(Voter{{id, kDisk}, {}, 0, 1});
  return VoterSet(voters);
}

TEST(VoterSet, AnotherDiskIsAnotherReplica) {
  VoterSet voters = set_of({1, 2, 3});
  EXPECT_TRUE(voters.contains({1, kDisk}));
  EXPECT_FALSE(voters.contains({1, kOtherDisk}));
  EXPECT_FALSE(voters.contains({4, kDisk}));
  EXPECT_EQ(voters.majority(), 2u);
  EXPECT_EQ(set_of({1, 2}).majority(), 2u);
  EXPECT_EQ(set_of({1}).majority(), 1u);
}

TEST(VoterHistory, TruncationBringsBackTheSetBefore) {
  VoterHistory history;
  history.reset(-1, set_of({1}));
  history.add(2, set_of({1}));
  history.add(10, set_of({1, 2}));
  EXPECT_EQ(history.latest().size(), 2u);
  EXPECT_EQ(history.before(10).size(), 1u);
  EXPECT_EQ(history.before(11).size(), 2u);
  history.truncate(10);
  EXPECT_EQ(history.latest().size(), 1u);
  history.truncate(0);
  EXPECT_EQ(history.latest_offset(), -1);
  EXPECT_EQ(history.latest().size(), 1u);
}

TEST(VoterHistory, WhatNoLongerHeldIsForgotten) {
  VoterHistory history;
  history.reset(-1, set_of({1}));
  for (int i = 0; i < 10; ++i) history.add(i * 10, set_of({1, 2, i + 3}));
  history.forget_before(40);
  EXPECT_TRUE(history.before(30).empty());
  EXPECT_NE(history.before(40).find(3 + 3), nullptr);
  EXPECT_NE(history.before(41).find(4 + 3), nullptr);
  history.forget_before(1000);
  EXPECT_EQ(history.latest_offset(), 90);
  EXPECT_TRUE(history.before(90).empty());
}

TEST(EpochTable, FindsWhereLogsPart) {
  EpochTable table;
  table.assign(1, 0);
  table.assign(1, 5);  // no news
  table.assign(3, 10);
  table.assign(7, 20);
  EXPECT_EQ(table.last(), 7);
  EXPECT_EQ(table.end_of(1, 30), (OffsetAndEpoch{10, 1}));
  EXPECT_EQ(table.end_of(2, 30), (OffsetAndEpoch{10, 1}));
  EXPECT_EQ(table.end_of(3, 30), (OffsetAndEpoch{20, 3}));
  EXPECT_EQ(table.end_of(9, 30), (OffsetAndEpoch{30, 7}));
  EXPECT_EQ(table.end_of(0, 30), (OffsetAndEpoch{0, 0}));
  EXPECT_EQ(table.epoch_before(0), 0);
  EXPECT_EQ(table.epoch_before(10), 1);
  EXPECT_EQ(table.epoch_before(11), 3);
  table.truncate_start(12);
  EXPECT_EQ(table.starts(), (std::map<int32_t, int64_t>{{3, 12}, {7, 20}}));
  EXPECT_EQ(table.origin(), (OffsetAndEpoch{12, 3}));
  EXPECT_EQ(table.end_of(2, 30), (OffsetAndEpoch{12, 3}));
  table.truncate_end(20);
  EXPECT_EQ(table.last(), 3);
}

TEST(EpochTable, ALogThatBeginsWithASnapshotKnowsTheEpochBefore) {
  EpochTable table({10, 4});
  EXPECT_EQ(table.last(), 4);
  EXPECT_EQ(table.epoch_before(10), 4);
  EXPECT_EQ(table.end_of(6, 10), (OffsetAndEpoch{10, 4}));
  table.assign(6, 10);
  EXPECT_EQ(table.end_of(5, 30), (OffsetAndEpoch{10, 4}));
  EXPECT_EQ(table.end_of(6, 30), (OffsetAndEpoch{30, 6}));
  table.truncate_end(10);
  EXPECT_EQ(table.last(), 4);
}

TEST(VoterSet, OneIsAddedOrTakenAway) {
  VoterSet voters = set_of({1, 2});
  EXPECT_TRUE(voters.with(Voter{{3, kOtherDisk}, {}}).contains({3, kOtherDisk}));
  EXPECT_FALSE(voters.with(Voter{{2, kOtherDisk}, {}}).contains({2, kDisk}));
  EXPECT_EQ(voters.without(2), set_of({1}));
  EXPECT_EQ(voters.size(), 2u);
}

}  // namespace
}  // namespace longhaul::broker::raft
