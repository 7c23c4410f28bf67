#include "broker/handlers/fetch_session.h"

#include <gtest/gtest.h>

#include "tests/support/simulation.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;

constexpr int16_t kNamesVersion = 12, kIdsVersion = 13;

class FetchSessions : public ::testing::Test {
 protected:
  static FetchRequest request(int32_t session, int32_t epoch,
                              std::initializer_list<int32_t> partitions = {}, int64_t offset = 0) {
    FetchRequest request;
    request.session_id = session;
    request.session_epoch = epoch;
    auto& topic = request.topics.emplace_back();
    topic.topic = "t";
    for (int32_t each : partitions) {
      topic.partitions.push_back({.partition = each, .fetch_offset = offset});
    }
    return request;
  }
  static FetchRequest forget(int32_t session, int32_t epoch, int32_t partition) {
    FetchRequest request = FetchSessions::request(session, epoch);
    request.forgotten_topics_data.push_back({.topic = "t", .partitions = {partition}});
    return request;
  }
  static std::vector<int32_t> partitions(FetchPlan& plan) {
    std::vector<int32_t> all;
    for (const FetchEntry& entry : plan.entries().in_order()) all.push_back(entry.partition);
    return all;
  }
  int32_t open_session() { return cache_.open(request(0, 0, {0, 1, 2}), kNamesVersion).session_id; }

  sim::Simulation simulation_{1};
  sim::Clock clock_{simulation_};
  base::SeededRandom random_{1};
  FetchSessionCache cache_{2, clock_, random_};
};

TEST_F(FetchSessions, AFetchWithoutSessionLeavesNothing) {
  FetchPlan plan = cache_.open(request(0, -1, {3, 1}), kNamesVersion);
  EXPECT_EQ(plan.error, ErrorCode::kNone);
  EXPECT_EQ(plan.session_id, 0);
  EXPECT_FALSE(plan.incremental);
  EXPECT_EQ(partitions(plan), (std::vector{3, 1}));
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(FetchSessions, PartitionsAreRememberedChangedAndForgotten) {
  int32_t id = open_session();
  ASSERT_NE(id, 0);
  {
    FetchPlan same = cache_.open(request(id, 1), kNamesVersion);
    EXPECT_TRUE(same.incremental);
    EXPECT_EQ(same.session_id, id);
    EXPECT_EQ(partitions(same), (std::vector{0, 1, 2}));
  }
  {
    FetchPlan moved = cache_.open(request(id, 2, {1, 7}, 55), kNamesVersion);
    EXPECT_EQ(partitions(moved), (std::vector{0, 1, 2, 7}));
    for (const FetchEntry& entry : moved.entries().in_order()) {
      bool named = entry.partition == 1 || entry.partition == 7;
      EXPECT_EQ(entry.fetch_offset, named ? 55 : 0);
    }
  }
  {
    FetchPlan fewer = cache_.open(forget(id, 3, 1), kNamesVersion);
    EXPECT_EQ(partitions(fewer), (std::vector{0, 2, 7}));
  }
  FetchPlan stranger = cache_.open(forget(id, 4, 99), kNamesVersion);
  EXPECT_EQ(partitions(stranger), (std::vector{0, 2, 7}));
}

TEST_F(FetchSessions, APartitionNamedTwiceIsOneAndTheLastWordCounts) {
  FetchRequest twice = request(0, 0, {4}, 10);
  twice.topics.push_back(request(0, 0, {4}, 20).topics[0]);
  FetchPlan plan = cache_.open(twice, kNamesVersion);
  ASSERT_EQ(partitions(plan), (std::vector{4}));
  EXPECT_EQ(plan.entries().in_order().front().fetch_offset, 20);
}

TEST_F(FetchSessions, WhatANewRequestAddsAndForgetsIsForgotten) {
  int32_t id = open_session();
  FetchRequest both = forget(id, 1, 5);
  both.topics = request(id, 1, {5}).topics;
  FetchPlan plan = cache_.open(both, kNamesVersion);
  EXPECT_EQ(partitions(plan), (std::vector{0, 1, 2}));
}

TEST_F(FetchSessions, WithoutAnyPartitionLeftItIsOver) {
  int32_t id = open_session();
  FetchRequest all = forget(id, 1, 0);
  all.forgotten_topics_data[0].partitions = {0, 1, 2};
  FetchPlan last = cache_.open(all, kNamesVersion);
  EXPECT_EQ(last.error, ErrorCode::kNone);
  EXPECT_EQ(last.session_id, 0);
  EXPECT_TRUE(partitions(last).empty());
  EXPECT_EQ(cache_.size(), 0u);
  EXPECT_EQ(cache_.open(request(id, 2), kNamesVersion).error, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessions, EpochsMustFollowEachOther) {
  int32_t id = open_session();
  for (int32_t wrong : {2, 3, INT32_MAX, -2, INT32_MIN}) {
    EXPECT_EQ(cache_.open(request(id, wrong), kNamesVersion).error,
              ErrorCode::kInvalidFetchSessionEpoch)
        << wrong;
  }
  EXPECT_EQ(cache_.open(request(id, 1), kNamesVersion).error, ErrorCode::kNone);
  EXPECT_EQ(cache_.open(request(id, 1), kNamesVersion).error, ErrorCode::kInvalidFetchSessionEpoch)
      << "the same request once more";
  EXPECT_EQ(cache_.open(request(id + 1, 1), kNamesVersion).error,
            ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache_.open(request(0, 1), kNamesVersion).error, ErrorCode::kFetchSessionIdNotFound);
}

TEST_F(FetchSessions, ASessionIsOneFetchsAtATime) {
  int32_t id = open_session();
  FetchPlan waiting = cache_.open(request(id, 1), kNamesVersion);
  EXPECT_EQ(cache_.open(request(id, 2), kNamesVersion).error, ErrorCode::kInvalidFetchSessionEpoch);
  waiting = {};
  EXPECT_EQ(cache_.open(request(id, 2), kNamesVersion).error, ErrorCode::kNone);
}

TEST_F(FetchSessions, NamesAndIdsDoNotMixInOneSession) {
  int32_t id = open_session();
  EXPECT_EQ(cache_.open(request(id, 1), kIdsVersion).error, ErrorCode::kFetchSessionTopicIdError);
  EXPECT_EQ(cache_.open(request(id, 1), kNamesVersion).error, ErrorCode::kNone)
      << "the refusal did not use up the epoch";
}

TEST_F(FetchSessions, AFetcherThatStartsAnewOrEndsGivesItsSlotBack) {
  int32_t first = open_session();
  int32_t second = cache_.open(request(first, 0, {8}), kNamesVersion).session_id;
  EXPECT_NE(first, second);
  EXPECT_EQ(cache_.size(), 1u);
  EXPECT_EQ(cache_.open(request(first, 1), kNamesVersion).error,
            ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache_.open(request(second, -1, {8}), kNamesVersion).session_id, 0);
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(FetchSessions, OnlySessionsThatAreIdleForLongMakeRoom) {
  int32_t first = open_session();
  simulation_.run_for(std::chrono::seconds(60));
  int32_t second = open_session();
  EXPECT_EQ(open_session(), 0) << "both are in use: without a session, not with an error";
  simulation_.run_for(std::chrono::seconds(61));
  int32_t third = open_session();
  EXPECT_NE(third, 0);
  EXPECT_EQ(cache_.size(), 2u);
  EXPECT_EQ(cache_.open(request(first, 1), kNamesVersion).error,
            ErrorCode::kFetchSessionIdNotFound);
  EXPECT_EQ(cache_.open(request(second, 1), kNamesVersion).error, ErrorCode::kNone);
}

TEST_F(FetchSessions, ASessionThatIsBeingAnsweredIsNotTakenAway) {
  int32_t first = open_session();
  open_session();
  FetchPlan waiting = cache_.open(request(first, 1), kNamesVersion);
  simulation_.run_for(std::chrono::hours(1));
  EXPECT_NE(open_session(), 0);
  EXPECT_EQ(open_session(), 0) << "the new one is fresh, the other is busy";
  EXPECT_EQ(partitions(waiting), (std::vector{0, 1, 2}));
  waiting = {};
  EXPECT_EQ(cache_.open(request(first, 2), kNamesVersion).error, ErrorCode::kNone);
}

TEST_F(FetchSessions, WithoutSlotsThereAreNoSessions) {
  FetchSessionCache none(0, clock_, random_);
  FetchPlan plan = none.open(request(0, 0, {1}), kNamesVersion);
  EXPECT_EQ(plan.session_id, 0);
  EXPECT_EQ(partitions(plan), (std::vector{1}));
}

TEST_F(FetchSessions, APlanMayOutliveItsCache) {
  auto cache = std::make_unique<FetchSessionCache>(2, clock_, random_);
  FetchPlan plan = cache->open(request(0, 0, {1}), kNamesVersion);
  cache.reset();
  EXPECT_EQ(partitions(plan), (std::vector{1}));
}

TEST_F(FetchSessions, OnlyNewsIsToldAgain) {
  FetchEntry entry;
  protocol::FetchResponse::PartitionData data;
  data.high_watermark = 5;
  data.log_start_offset = 0;
  data.records = protocol::Records{};
  EXPECT_TRUE(entry.update(data));
  EXPECT_FALSE(entry.update(data));
  data.high_watermark = 6;
  EXPECT_TRUE(entry.update(data));
  data.log_start_offset = 1;
  EXPECT_TRUE(entry.update(data));
  data.error_code = ErrorCode::kNotLeaderOrFollower;
  EXPECT_TRUE(entry.update(data));
  EXPECT_TRUE(entry.update(data)) << "an error is told each time";
  data.error_code = ErrorCode::kNone;
  EXPECT_TRUE(entry.update(data)) << "and so is its end";
  EXPECT_FALSE(entry.update(data));
  data.diverging_epoch.epoch = 3;
  EXPECT_TRUE(entry.update(data));
  data.diverging_epoch.epoch = -1;
  EXPECT_TRUE(entry.update(data)) << "a follower that truncated knows no high watermark yet";
  EXPECT_FALSE(entry.update(data));
}

}  // namespace
}  // namespace longhaul::broker::handlers
