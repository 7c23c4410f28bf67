#include "broker/partition/in_sync_replicas.h"

#include <gtest/gtest.h>

namespace longhaul::broker::partition {
namespace {

using namespace std::chrono_literals;

constexpr auto kMaxLag = 30s;

/// Brokers 1 to 3, each registered under an epoch of ten times its ID.
struct Registered final : Eligibility {
  std::optional<int64_t> epoch_of(int32_t id) const override {
    return fenced == id ? std::nullopt : std::optional<int64_t>(10 * id);
  }
  int32_t fenced = -1;
};

/// Broker 1 leads from offset 100 on.
class InSyncReplicasTest : public testing::Test {
 protected:
  void lead(std::vector<int32_t> isr) {
    state_ = {.replicas = {1, 2, 3},
              .isr = std::move(isr),
              .leader = 1,
              .leader_epoch = 5,
              .partition_epoch = 7};
    replicas_.lead(1, state_, 100, now_);
  }
  void fetch(int32_t broker, int64_t offset, int64_t leader_end) {
    EXPECT_TRUE(replicas_.fetched({.broker_id = broker,
                                   .broker_epoch = 10 * broker,
                                   .offset = offset,
                                   .log_start_offset = 0,
                                   .leader_end_offset = leader_end,
                                   .now = now_}));
  }
  int64_t committed(int64_t end) { return replicas_.committed_below(end, now_, kMaxLag, brokers_); }
  std::vector<int32_t> ids(const std::optional<IsrProposal>& proposal) {
    std::vector<int32_t> ids;
    if (proposal) {
      for (const IsrMember& member : proposal->isr) ids.push_back(member.broker_id);
    }
    return ids;
  }
  std::vector<int32_t> leaving(int64_t end) {
    return ids(replicas_.propose_leaving(end, now_, kMaxLag, brokers_));
  }
  std::vector<int32_t> joining(int32_t broker, int64_t high_watermark) {
    return ids(replicas_.propose_joining(broker, high_watermark, brokers_));
  }

  metadata::Partition state_;
  Registered brokers_;
  InSyncReplicas replicas_;
  base::Clock::Monotonic now_ = 1000s;
};

using Ids = std::vector<int32_t>;

TEST_F(InSyncReplicasTest, NothingIsCommittedBeforeAllMembersHaveFetched) {
  lead({1, 2, 3});
  EXPECT_EQ(committed(120), -1);
  fetch(2, 120, 120);
  EXPECT_EQ(committed(120), -1);
  fetch(3, 110, 120);
  EXPECT_EQ(committed(120), 110);
  fetch(3, 120, 130);
  EXPECT_EQ(committed(130), 120);
}

TEST_F(InSyncReplicasTest, OneAloneCommitsAtOnce) {
  lead({1});
  EXPECT_EQ(committed(120), 120);
}

TEST_F(InSyncReplicasTest, WhoIsNoReplicaIsToldSo) {
  lead({1, 2});
  EXPECT_FALSE(replicas_.fetched({.broker_id = 9}));
  EXPECT_FALSE(replicas_.fetched({.broker_id = 1}));
}

TEST_F(InSyncReplicasTest, MembersHaveTheFullTimeFromTheBeginningOfTheEpoch) {
  lead({1, 2, 3});
  now_ += kMaxLag;
  EXPECT_EQ(leaving(100), Ids());
  now_ += 1ms;
  EXPECT_EQ(leaving(100), Ids({1}));
}

TEST_F(InSyncReplicasTest, OneThatKeepsPaceUnderLoadStays) {
  lead({1, 2});
  int64_t end = 100;
  for (int i = 0; i < 100; ++i) {
    fetch(2, end, end + 50);  // all that there was at its fetch before, never all there is now
    end += 50;
    now_ += 1s;
    ASSERT_EQ(leaving(end), Ids()) << i;
  }
}

TEST_F(InSyncReplicasTest, OneThatFetchesButFallsBehindLeaves) {
  lead({1, 2});
  for (int i = 0; i <= 30; ++i) {
    fetch(2, 100 + i, 1000 + 100 * i);
    now_ += 1s;
  }
  EXPECT_EQ(leaving(5000), Ids({1}));
}

TEST_F(InSyncReplicasTest, OneThatIsIdleAtTheEndStays) {
  lead({1, 2});
  fetch(2, 100, 100);
  now_ += 10 * kMaxLag;
  EXPECT_EQ(leaving(100), Ids());
  EXPECT_EQ(leaving(101), Ids({1}));
}

TEST_F(InSyncReplicasTest, WhoIsToLeaveCountsUntilTheControllerSaysSo) {
  lead({1, 2});
  fetch(2, 100, 120);
  now_ += 2 * kMaxLag;
  EXPECT_EQ(leaving(120), Ids({1}));
  EXPECT_EQ(leaving(120), Ids());  // one change at a time
  EXPECT_EQ(committed(120), 100);
  state_.isr = {1};
  ++state_.partition_epoch;
  replicas_.update(state_);
  EXPECT_EQ(committed(120), 120);
}

TEST_F(InSyncReplicasTest, WhoIsToJoinCountsAtOnce) {
  lead({1});
  fetch(2, 120, 120);
  EXPECT_EQ(joining(2, 120), Ids({1, 2}));
  now_ += 2 * kMaxLag;
  EXPECT_EQ(committed(150), 120);
  replicas_.refused({.leader_epoch = 5, .partition_epoch = 6});
  EXPECT_EQ(committed(150), 120);  // that was another one
  replicas_.refused({.leader_epoch = 5, .partition_epoch = 7});
  EXPECT_EQ(committed(150), 150);
}

TEST_F(InSyncReplicasTest, JoinsOnceItHasWhatIsCommittedAndWhatCameBeforeTheEpoch) {
  lead({1});
  fetch(2, 99, 100);
  EXPECT_EQ(joining(2, 90), Ids());  // less than the epoch began with
  fetch(2, 104, 110);
  EXPECT_EQ(joining(2, 105), Ids());  // less than is committed
  fetch(2, 105, 110);
  EXPECT_EQ(joining(2, 105), Ids({1, 2}));
}

TEST_F(InSyncReplicasTest, FencedOrRestartedBrokersDoNotJoin) {
  lead({1});
  FollowerFetch of_an_earlier_run{
      .broker_id = 2, .broker_epoch = 19, .offset = 100, .leader_end_offset = 100, .now = now_};
  EXPECT_TRUE(replicas_.fetched(of_an_earlier_run));
  EXPECT_EQ(joining(2, 100), Ids());
  fetch(2, 100, 100);
  EXPECT_FALSE(replicas_.fetched(of_an_earlier_run)) << "that one waited, and says nothing now";
  brokers_.fenced = 2;
  EXPECT_EQ(joining(2, 100), Ids());
  brokers_.fenced = -1;
  EXPECT_EQ(joining(2, 100), Ids({1, 2}));
}

TEST_F(InSyncReplicasTest, ProposalsNameTheEpochsOfTheirMembers) {
  lead({1, 3});
  fetch(2, 100, 100);
  auto proposal = replicas_.propose_joining(2, 100, brokers_);
  ASSERT_TRUE(proposal);
  EXPECT_EQ(proposal->isr, (std::vector<IsrMember>{{1, 10}, {3, 30}, {2, 20}}));
  EXPECT_EQ(proposal->leader_epoch, 5);
  EXPECT_EQ(proposal->partition_epoch, 7);
}

TEST_F(InSyncReplicasTest, OneOnItsWayBackIsWaitedForWhileItKeepsPace) {
  lead({1});
  fetch(2, 118, 118);
  EXPECT_EQ(committed(120), 118);
  brokers_.fenced = 2;
  EXPECT_EQ(committed(120), 120);
  brokers_.fenced = -1;
  now_ += 2 * kMaxLag;
  EXPECT_EQ(committed(120), 120);
}

TEST_F(InSyncReplicasTest, ALeaderStepsDownForEnoughOthersOnly) {
  lead({1, 2, 3});
  EXPECT_FALSE(replicas_.propose_stepping_down(3, brokers_));
  brokers_.fenced = 3;
  EXPECT_FALSE(replicas_.propose_stepping_down(2, brokers_));
  brokers_.fenced = -1;
  EXPECT_EQ(ids(replicas_.propose_stepping_down(2, brokers_)), (Ids{2, 3}));
  EXPECT_FALSE(replicas_.propose_stepping_down(2, brokers_)) << "one at a time";
  lead({1});
  EXPECT_FALSE(replicas_.propose_stepping_down(1, brokers_));
}

TEST_F(InSyncReplicasTest, OldWordsOfTheControllerAreIgnored) {
  lead({1, 2});
  metadata::Partition old = state_;
  old.isr = {1};
  old.partition_epoch = 6;
  replicas_.update(old);
  EXPECT_EQ(replicas_.isr(), Ids({1, 2}));
  old.partition_epoch = 9;
  old.leader_epoch = 4;
  replicas_.update(old);
  EXPECT_EQ(replicas_.isr(), Ids({1, 2}));
}

TEST_F(InSyncReplicasTest, ANewEpochForgetsWhereFollowersWere) {
  lead({1, 2});
  fetch(2, 120, 120);
  state_.leader_epoch = 6;
  replicas_.lead(1, state_, 120, now_);
  EXPECT_EQ(committed(120), -1);
}

TEST_F(InSyncReplicasTest, ReplicasThatAreTakenAwayAreForgotten) {
  lead({1, 2, 3});
  fetch(2, 100, 100);
  fetch(3, 50, 100);
  state_.replicas = {1, 2};
  state_.isr = {1, 2};
  ++state_.partition_epoch;
  replicas_.update(state_);
  EXPECT_EQ(committed(100), 100);
}

}  // namespace
}  // namespace longhaul::broker::partition
