#include "tests/broker/metadata/replica_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

class ElectLeaders : public ReplicaFixture {
 protected:
  enum Type : int8_t { kPreferredType = 0, kUncleanType = 1 };

  protocol::ElectLeadersResponse elect(int8_t type, std::optional<Ids> partitions) {
    protocol::ElectLeadersRequest request;
    request.election_type = type;
    request.topic_partitions.reset();
    if (partitions) request.topic_partitions.emplace().push_back({"t", *partitions});
    return run(&elect_leaders, request);
  }
  std::vector<ErrorCode> codes(int8_t type, std::optional<Ids> partitions) {
    std::vector<ErrorCode> result;
    for (const auto& topic : elect(type, std::move(partitions)).replica_election_results) {
      for (const auto& answer : topic.partition_result) result.push_back(answer.error_code);
    }
    return result;
  }
  /// 1 is back, but leads nothing of what it led; it is in sync with partition 0 alone.
  void move_leaders() {
    make_topic("t", {{1, 2}, {1, 2}, {2, 1}});
    fence(1);
    unfence(1);
    protocol::AlterPartitionRequest request;
    request.broker_id = 2;
    request.broker_epoch = image_->broker(2)->epoch;
    auto& topic = request.topics.emplace_back();
    topic.topic_id = image_->topic("t")->id;
    auto& wanted = topic.partitions.emplace_back();
    wanted.leader_epoch = image_->partition("t", 0)->leader_epoch;
    wanted.partition_epoch = image_->partition("t", 0)->partition_epoch;
    wanted.new_isr = {1, 2};
    run(&alter_partition, request);
  }
};

TEST_F(ElectLeaders, Preferred) {
  move_leaders();
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(
      codes(kPreferredType, Ids{0, 1, 2, 7, 0}),
      (std::vector<ErrorCode>{ErrorCode::kNone, ErrorCode::kPreferredLeaderNotAvailable,
                              ErrorCode::kElectionNotNeeded, ErrorCode::kUnknownTopicOrPartition,
                              ErrorCode::kElectionNotNeeded}));
  EXPECT_EQ(leader("t", 0), 1);
  EXPECT_EQ(leader("t", 1), 2);
  EXPECT_EQ(elect(9, Ids{0}).error_code, ErrorCode::kInvalidRequest);
}

TEST_F(ElectLeaders, AnAnswerIsNoMultipleOfALongName) {
  protocol::ElectLeadersRequest request;
  request.topic_partitions.emplace().push_back({std::string(30'000, 'x'), Ids(1'000, 0)});
  auto response = run(&elect_leaders, request);
  for (const auto& answer : response.replica_election_results.at(0).partition_result)
    EXPECT_LT(answer.error_message->size(), 100u);
}

TEST_F(ElectLeaders, WithoutTopicsOnlyWhatIsNeededIsAnswered) {
  move_leaders();
  EXPECT_EQ(codes(kPreferredType, std::nullopt),
            (std::vector<ErrorCode>{ErrorCode::kNone, ErrorCode::kPreferredLeaderNotAvailable}));
  EXPECT_EQ(leader("t", 0), 1);
}

TEST_F(ElectLeaders, UncleanOnDemand) {
  make_topic("t", {{1, 2}, {3, 4}});
  fence(2);
  fence(1);
  EXPECT_EQ(codes(kUncleanType, Ids{0, 1}),
            (std::vector<ErrorCode>{ErrorCode::kEligibleLeadersNotAvailable,
                                    ErrorCode::kElectionNotNeeded}));
  unfence(2);
  EXPECT_EQ(leader("t", 0), kNoLeader) << "2 lacks what 1 had";
  EXPECT_EQ(codes(kUncleanType, Ids{0}), std::vector<ErrorCode>{ErrorCode::kNone});
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(isr("t", 0), (Ids{2}));
  EXPECT_EQ(image_->partition("t", 0)->leader_recovery_state, kRecovering);
}

TEST_F(ElectLeaders, UncleanWhenItIsAllowedLater) {
  make_topic("t", {{1, 2}});
  make_topic("u", {{1, 2}});
  fence(2);
  fence(1);
  unfence(2);
  EXPECT_TRUE(elect_unclean(input()).empty());
  protocol::ConfigRecord allowed;
  allowed.resource_type = static_cast<int8_t>(ResourceType::kTopic);
  allowed.resource_name = "t";
  allowed.name = "unclean.leader.election.enable";
  allowed.value = "1";
  apply({allowed});
  apply(elect_unclean(input()));
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(leader("u", 0), kNoLeader);
  EXPECT_TRUE(elect_unclean(input()).empty());
}

TEST_F(ElectLeaders, Balance) {
  move_leaders();
  MetadataRecords records = balance_leaders(input());
  EXPECT_EQ(records.size(), 1u);
  apply(records);
  EXPECT_EQ(leader("t", 0), 1);
  EXPECT_TRUE(balance_leaders(input()).empty());
}

TEST_F(ElectLeaders, BalanceMovesSoManyAtATime) {
  make_topic("t", std::vector<Ids>(kMaxElectionsPerRound + 5, Ids{1, 2}));
  MetadataRecords moved;
  for (int32_t i = 0; i < static_cast<int32_t>(kMaxElectionsPerRound) + 5; ++i) {
    protocol::PartitionChangeRecord record;
    record.topic_id = image_->topic("t")->id;
    record.partition_id = i;
    record.leader = 2;
    moved.emplace_back(record);
  }
  apply(moved);
  MetadataRecords records = balance_leaders(input());
  EXPECT_EQ(records.size(), kMaxElectionsPerRound);
  apply(records);
  EXPECT_EQ(balance_leaders(input()).size(), 5u);
}

}  // namespace
}  // namespace longhaul::broker::metadata
