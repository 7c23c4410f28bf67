// Committing, fetching, expiring and removing offsets.
#include "tests/broker/groups/fixture.h"

namespace longhaul::broker::groups {
namespace {

TEST_F(GroupsTest, CommitsOfAMemberAreKept) {
  std::string id = stable_member();
  EXPECT_EQ(commit(id, 1, 42), ErrorCode::kNone);
  EXPECT_EQ(committed(), 42);
  restart();
  EXPECT_EQ(committed(), 42);
}

TEST_F(GroupsTest, CommitsFromOutsideTheGenerationAreRefused) {
  std::string id = stable_member();
  EXPECT_EQ(commit(id, 2, 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(commit("nobody", 1, 1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("", -1, 1), ErrorCode::kUnknownMemberId) << "the group has members";
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupsTest, ConsumerWithoutGroupManagementCommits) {
  EXPECT_EQ(commit("", 3, 5), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(commit("", -1, 5), ErrorCode::kNone);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupsTest, MetadataThatIsTooLongIsRefused) {
  EXPECT_EQ(commit("", -1, 5, std::string(4097, 'x')), ErrorCode::kOffsetMetadataTooLarge);
  EXPECT_EQ(commit("", -1, 5, std::string(4096, 'x')), ErrorCode::kNone);
}

TEST_F(GroupsTest, AnOffsetThatIsNotCommittedIsNotShown) {
  ASSERT_EQ(commit("", -1, 5), ErrorCode::kNone);
  topic.fail_with = ErrorCode::kNotLeaderOrFollower;
  EXPECT_EQ(commit("", -1, 6), ErrorCode::kNotCoordinator);
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupsTest, ACommitThatTakesLongerThanItsClientWaitsIsShownAllTheSame) {
  ASSERT_EQ(commit("", -1, 5), ErrorCode::kNone);
  topic.holds = true;
  ErrorCode outcome = ErrorCode::kNone;
  coordinator->commit(commit_request("", -1, 6), [&](const protocol::OffsetCommitResponse& told) {
    outcome = told.topics[0].partitions[0].error_code;
  });
  advance(6s);
  EXPECT_EQ(outcome, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_EQ(committed(), 5);
  topic.release();
  run();
  EXPECT_EQ(committed(), 6);
  restart();
  EXPECT_EQ(committed(), 6) << "as whoever loads the log says";
}

TEST_F(GroupsTest, OffsetsAreAppliedInTheOrderOfTheLog) {
  topic.holds = true;
  for (int64_t offset : {5, 6, 7}) {
    coordinator->commit(commit_request("", -1, offset), [](const auto&) {});
  }
  topic.release();
  run();
  EXPECT_EQ(committed(), 7);
}

TEST_F(GroupsTest, ACommitOnItsWayOutlivesTheRemovalOfItsGroup) {
  ASSERT_EQ(commit("", -1, 5), ErrorCode::kNone);
  topic.holds = true;
  auto request = commit_request("", -1, 6);
  request.topics[0].partitions[0].partition_index = 1;  // the removal does not know of it
  coordinator->commit(request, [](const auto&) {});
  coordinator->remove({.groups_names = {"g"}}, [](const auto&) {});
  topic.release();
  topic.holds = false;
  run();
  EXPECT_EQ(committed(), 6);
  restart();
  EXPECT_EQ(committed(), 6) << "as whoever loads the log says";
}

TEST_F(GroupsTest, ACommitUnderWayIsAnsweredWhenTheCoordinatorGoes) {
  ErrorCode outcome = ErrorCode::kNone;
  coordinator->commit(commit_request("", -1, 5), [&](const protocol::OffsetCommitResponse& told) {
    outcome = told.topics[0].partitions[0].error_code;
  });
  coordinator.reset();
  run();
  EXPECT_EQ(outcome, ErrorCode::kNotCoordinator);
}

TEST_F(GroupsTest, UnusedOffsetsExpireAndTheGroupGoes) {
  config.offsets_retention_ms = 60'000;
  config.retention_check_interval_ms = 10'000;
  restart();
  coordinator->start();
  ASSERT_EQ(commit("", -1, 5), ErrorCode::kNone);
  advance(50s);
  EXPECT_EQ(committed(), 5);
  advance(21s);
  EXPECT_EQ(committed(), -1);
  advance(10s);
  restart();
  EXPECT_TRUE(coordinator->list({}).groups.empty());
}

TEST_F(GroupsTest, OffsetsOfAGroupInUseDoNotExpire) {
  config.offsets_retention_ms = 20'000;
  config.retention_check_interval_ms = 5'000;
  restart();
  coordinator->start();
  std::string id = stable_member();
  ASSERT_EQ(commit(id, 1, 5), ErrorCode::kNone);
  for (int i = 0; i < 6; ++i) {
    advance(8s);
    ASSERT_EQ(heartbeat(id, 1), ErrorCode::kNone);
  }
  EXPECT_EQ(committed(), 5);
}

TEST_F(GroupsTest, OnlyEmptyGroupsAreDeleted) {
  std::string id = stable_member();
  ASSERT_EQ(commit(id, 1, 5), ErrorCode::kNone);
  protocol::DeleteGroupsRequest request;
  request.groups_names = {"g", "other"};
  std::vector<ErrorCode> outcomes;
  auto remove = [&] {
    coordinator->remove(request, [&](const protocol::DeleteGroupsResponse& response) {
      outcomes.clear();
      for (const auto& each : response.results) outcomes.push_back(each.error_code);
    });
    run();
  };
  remove();
  EXPECT_EQ(outcomes, (std::vector{ErrorCode::kNonEmptyGroup, ErrorCode::kGroupIdNotFound}));
  advance(11s);
  remove();
  EXPECT_EQ(outcomes, (std::vector{ErrorCode::kNone, ErrorCode::kGroupIdNotFound}));
  EXPECT_EQ(committed(), -1);
  restart();
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupsTest, OffsetsOfADeletedTopicGo) {
  ASSERT_EQ(commit("", -1, 5), ErrorCode::kNone);
  coordinator->topics_deleted({"t"});
  run();
  EXPECT_EQ(committed(), -1);
  restart();
  EXPECT_EQ(committed(), -1);
}

TEST_F(GroupsTest, LoadingAndForeignGroupsAreSaid) {
  coordinator->resign(partition_of_group("g", kPartitions));
  EXPECT_EQ(commit("", -1, 5), ErrorCode::kNotCoordinator);
  coordinator->lead(partition_of_group("g", kPartitions));  // and nothing runs: it is loading
  protocol::OffsetFetchRequest::OffsetFetchRequestGroup request;
  request.group_id = "g";
  EXPECT_EQ(coordinator->fetch(request).error_code, ErrorCode::kCoordinatorLoadInProgress);
}

// As Java's String.hashCode and Kafka's Utils.abs place them.
TEST_F(GroupsTest, WhatCannotBeReadIsTriedAgainUntilItCan) {
  ASSERT_EQ(commit("", -1, 42), ErrorCode::kNone);
  topic.fail_reads_with = ErrorCode::kKafkaStorageError;
  restart();
  EXPECT_EQ(commit("", -1, 43), ErrorCode::kCoordinatorLoadInProgress);
  size_t reads = topic.reads;
  advance(10min);
  EXPECT_EQ(commit("", -1, 43), ErrorCode::kCoordinatorLoadInProgress);
  EXPECT_LT(topic.reads - reads, 40u * kPartitions) << "less and less often";
  topic.fail_reads_with = ErrorCode::kNone;
  advance(30s);
  EXPECT_EQ(committed(), 42);
}

TEST_F(GroupsTest, NothingIsServedBeforeWhatIsDamagedIsRepaired) {
  int32_t partition = partition_of_group("g", kPartitions);
  for (int64_t offset : {40, 41, 42}) ASSERT_EQ(commit("", -1, offset), ErrorCode::kNone);
  uint8_t& damaged = topic.logs[partition][1].back();
  damaged ^= 1;
  restart();
  advance(1min);
  EXPECT_EQ(commit("", -1, 43), ErrorCode::kCoordinatorLoadInProgress);
  damaged ^= 1;
  advance(30s);
  EXPECT_EQ(committed(), 42);
  topic.fail_reads_with = ErrorCode::kKafkaStorageError;
  restart();
  coordinator->resign(partition);  // and the pause comes to its end
  advance(1min);
}

TEST(PartitionOfGroup, IsThatOfJavasHash) {
  EXPECT_EQ(partition_of_group("", 50), 0);
  EXPECT_EQ(partition_of_group("a", 50), 97 % 50);
  EXPECT_EQ(partition_of_group("ab", 50), (97 * 31 + 98) % 50);
  EXPECT_EQ(partition_of_group("polygenelubricants", 50), 0) << "hashes to the least int";
  EXPECT_EQ(partition_of_group("\xf0\x9f\x98\x80", 1'000'000), 1772899 % 1'000'000);
}

}  // namespace
}  // namespace longhaul::broker::groups
