#include "broker/raft/raft.h"

#include <gtest/gtest.h>

namespace longhaul::broker::raft {
namespace {

const ReplicaKey kSelf{1000, base::Uuid::parse("L6E9ma8CQHmKKUE2p9DgEg").value()};
constexpr Raft::Now kNow{0};

LogState founded(std::vector<ReplicaKey> keys = {kSelf}) {
  std::vector<Voter> voters;
  for (const ReplicaKey& key : keys) voters.push_back(Voter{key, {{"C", "localhost", 9093}}, 0, 1});
  LogState log;
  log.voters.reset(-1, VoterSet(voters));
  return log;
}

template <class T>
const T& at(const Outputs& out, size_t index) {
  EXPECT_LT(index, out.size());
  return std::get<T>(out.at(index));
}

TEST(Raft, OnlyVoterTakesTheLeadUnderANewEpoch) {
  Raft raft(kSelf, {}, founded());
  Outputs out = raft.start(kNow);
  ASSERT_EQ(out.size(), 4u);
  EXPECT_EQ(at<PersistElection>(out, 0).state, (ElectionState{1, 1000, {}}));
  EXPECT_EQ(at<RoleChange>(out, 1).role, Role::kLeader);
  EXPECT_EQ(at<RoleChange>(out, 1).epoch, 1);
  EXPECT_EQ(at<RoleChange>(out, 1).epoch_start_offset, 0);
  const auto& control = at<AppendControl>(out, 2);
  EXPECT_EQ(control.base_offset, 0);
  EXPECT_EQ(control.epoch, 1);
  EXPECT_EQ(control.voters, std::vector<int32_t>{1000});
  EXPECT_TRUE(control.bootstrap_voters);
  at<Flush>(out, 3);
  EXPECT_EQ(raft.end_offset(), 3);
  EXPECT_EQ(raft.high_watermark(), -1);
}

TEST(Raft, CommitsOnlyWhatIsDurable) {
  Raft raft(kSelf, {}, founded());
  raft.start(kNow);
  Outputs out = raft.synced(3);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(at<HighWatermark>(out, 0).offset, 3);
  EXPECT_EQ(raft.appended(5).size(), 1u);
  EXPECT_EQ(raft.appended(2).size(), 1u);
  EXPECT_EQ(raft.end_offset(), 10);
  EXPECT_EQ(raft.high_watermark(), 3);
  EXPECT_EQ(at<HighWatermark>(raft.synced(8), 0).offset, 8);
  EXPECT_TRUE(raft.synced(8).empty());
  EXPECT_EQ(at<HighWatermark>(raft.synced(10), 0).offset, 10);
}

TEST(Raft, RestartBumpsTheEpochAndKeepsTheLog) {
  LogState log = founded();
  log.voters.add(2, log.voters.latest());
  log.end_offset = 40;
  log.epochs.assign(1, 0);
  Raft raft(kSelf, ElectionState{1, 1000, {}}, log);
  Outputs out = raft.start(kNow);
  EXPECT_EQ(at<PersistElection>(out, 0).state.epoch, 2);
  const auto& control = at<AppendControl>(out, 2);
  EXPECT_EQ(control.base_offset, 40);
  EXPECT_FALSE(control.bootstrap_voters);
  EXPECT_EQ(raft.epochs().last(), 2);
  // What the last run left uncommitted commits with this leader's first record, not before.
  EXPECT_TRUE(raft.synced(40).empty());
  EXPECT_EQ(at<HighWatermark>(raft.synced(41), 0).offset, 41);
}

TEST(Raft, ALostQuorumStateNeverLeadsBack) {
  LogState log = founded();
  log.end_offset = 9;
  log.epochs.assign(6, 0);
  Raft raft(kSelf, {}, log);
  raft.start(kNow);
  EXPECT_EQ(raft.epoch(), 7);
}

TEST(Raft, AnEmptyDiskOfTheSameNodeDoesNotLead) {
  ReplicaKey other{1000, base::Uuid::parse("AAAAAAAAAAAAAAAAAAAAAg").value()};
  Raft raft(other, {}, founded());
  Outputs out = raft.start(kNow);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(at<RoleChange>(out, 0).role, Role::kUnattached);
}

TEST(Raft, CleaningMovesTheStart) {
  Raft raft(kSelf, {}, founded());
  raft.start(kNow);
  raft.appended(10);
  raft.synced(13);
  raft.log_start_moved(12);
  EXPECT_EQ(raft.start_offset(), 12);
  EXPECT_EQ(raft.epochs().starts(), (std::map<int32_t, int64_t>{{1, 12}}));
}

}  // namespace
}  // namespace longhaul::broker::raft
