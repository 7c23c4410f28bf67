// AlterPartitionReassignments, ListPartitionReassignments, AssignReplicasToDirs.
#include "tests/broker/metadata/replica_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

class Reassignments : public ReplicaFixture {
 protected:
  using Answer = protocol::AlterPartitionReassignmentsResponse::ReassignablePartitionResponse;

  void SetUp() override {
    ReplicaFixture::SetUp();
    make_topic("t", {{1, 2, 3}, {2, 3, 1}});
  }
  Answer reassign(const std::string& name, int32_t index, std::optional<Ids> replicas,
                  bool allow_factor = true) {
    protocol::AlterPartitionReassignmentsRequest request;
    request.allow_replication_factor_change = allow_factor;
    request.topics.push_back({name, {{index, std::move(replicas)}}});
    return run(&alter_partition_reassignments, request).responses.at(0).partitions.at(0);
  }
  /// The leader takes these into its ISR.
  ErrorCode put_isr(int32_t index, const Ids& isr) {
    const Partition& partition = *image_->partition("t", index);
    protocol::AlterPartitionRequest request;
    request.broker_id = partition.leader;
    request.broker_epoch = image_->broker(partition.leader)->epoch;
    auto& topic = request.topics.emplace_back();
    topic.topic_id = image_->topic("t")->id;
    auto& wanted = topic.partitions.emplace_back();
    wanted.partition_index = index;
    wanted.leader_epoch = partition.leader_epoch;
    wanted.partition_epoch = partition.partition_epoch;
    wanted.new_isr = isr;
    return run(&alter_partition, request).topics.at(0).partitions.at(0).error_code;
  }
  const Partition& t(int32_t index) { return *image_->partition("t", index); }
};

TEST_F(Reassignments, FromBeginningToEnd) {
  EXPECT_EQ(reassign("t", 0, Ids{4, 5, 1}).error_code, ErrorCode::kNone);
  EXPECT_EQ(t(0).replicas, (Ids{4, 5, 1, 2, 3}));
  EXPECT_EQ(t(0).adding, (Ids{4, 5}));
  EXPECT_EQ(t(0).removing, (Ids{2, 3}));
  EXPECT_EQ(t(0).leader, 1);
  EXPECT_EQ(t(0).directories.size(), 5u);
  EXPECT_EQ(t(0).directories[0], disk(4));
  EXPECT_EQ(put_isr(0, {1, 2, 3, 4}), ErrorCode::kNone);
  EXPECT_EQ(t(0).replicas.size(), 5u);
  EXPECT_EQ(put_isr(0, {1, 2, 3, 4, 5}), ErrorCode::kNone) << "1 stays the leader";
  EXPECT_EQ(t(0).replicas, (Ids{4, 5, 1}));
  EXPECT_EQ(t(0).isr, (Ids{1, 4, 5}));
  EXPECT_TRUE(t(0).adding.empty());
  EXPECT_TRUE(t(0).removing.empty());
  EXPECT_EQ(t(0).directories, (std::vector<base::Uuid>{disk(4), disk(5), disk(1)}));
}

TEST_F(Reassignments, TheOldOnesGoWhenAllThatStayAreInSync) {
  put_isr(0, {1, 2});
  put_isr(1, {2, 3});
  reassign("t", 0, Ids{3, 1, 4});
  EXPECT_EQ(put_isr(0, {1, 2, 4}), ErrorCode::kNone);
  EXPECT_EQ(t(0).removing, (Ids{2})) << "3 stays, and is not in sync";
  EXPECT_EQ(put_isr(0, {1, 2, 3, 4}), ErrorCode::kNone);
  EXPECT_EQ(t(0).replicas, (Ids{3, 1, 4}));
  EXPECT_TRUE(t(0).removing.empty());
  // The leader is one that goes.
  reassign("t", 1, Ids{1, 3});
  EXPECT_EQ(t(1).leader, 2);
  EXPECT_EQ(t(1).removing, (Ids{2}));
  EXPECT_EQ(put_isr(1, {2, 3, 1}), ErrorCode::kNewLeaderElected);
  EXPECT_EQ(t(1).replicas, (Ids{1, 3}));
  EXPECT_EQ(t(1).isr, (Ids{3, 1}));
  EXPECT_EQ(t(1).leader, 1);
}

TEST_F(Reassignments, Cancel) {
  EXPECT_EQ(reassign("t", 0, std::nullopt).error_code, ErrorCode::kNoReassignmentInProgress);
  reassign("t", 0, Ids{4, 5, 1});
  put_isr(0, {1, 2, 4});
  EXPECT_EQ(reassign("t", 0, std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(t(0).replicas, (Ids{1, 2, 3}));
  EXPECT_EQ(t(0).isr, (Ids{1, 2}));
  EXPECT_TRUE(t(0).adding.empty());
  EXPECT_EQ(t(0).leader, 1);
}

TEST_F(Reassignments, CancelNeedsAnOldReplicaInSync) {
  reassign("t", 0, Ids{4, 5, 6});
  put_isr(0, {1, 4});
  fence(1);
  ASSERT_EQ(t(0).leader, 4);
  auto refused = reassign("t", 0, std::nullopt);
  EXPECT_EQ(refused.error_code, ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(refused.error_message,
            "Unable to revert partition assignment for t:0 because it would require an unclean "
            "leader election.");
  protocol::ConfigRecord allowed;
  allowed.resource_type = static_cast<int8_t>(ResourceType::kTopic);
  allowed.resource_name = "t";
  allowed.name = "unclean.leader.election.enable";
  allowed.value = "1";
  apply({allowed});
  EXPECT_EQ(reassign("t", 0, std::nullopt).error_code, ErrorCode::kNone);
  EXPECT_EQ(t(0).replicas, (Ids{1, 2, 3}));
  EXPECT_EQ(t(0).leader, 2);
  EXPECT_EQ(t(0).isr, (Ids{2}));
  EXPECT_EQ(t(0).leader_recovery_state, kRecovering);
}

TEST_F(Reassignments, AnotherOnTop) {
  reassign("t", 0, Ids{1, 2, 4});
  EXPECT_EQ(t(0).replicas, (Ids{1, 2, 4, 3}));
  reassign("t", 0, Ids{1, 4, 5});
  EXPECT_EQ(t(0).replicas, (Ids{1, 4, 5, 2, 3}));
  EXPECT_EQ(t(0).adding, (Ids{4, 5})) << "4 is not in sync yet";
  EXPECT_EQ(t(0).removing, (Ids{2, 3}));
  put_isr(0, {1, 2, 3, 5});
  EXPECT_EQ(t(0).replicas.size(), 5u);
  // Back to where it began.
  reassign("t", 0, Ids{1, 2, 3});
  EXPECT_EQ(t(0).replicas, (Ids{1, 2, 3}));
  EXPECT_EQ(t(0).isr, (Ids{1, 2, 3}));
}

TEST_F(Reassignments, Refused) {
  struct Case {
    std::string name;
    int32_t index;
    Ids replicas;
    ErrorCode code;
    std::string message;
  };
  for (const Case& c : std::vector<Case>{
           {"nope", 0, {1}, ErrorCode::kUnknownTopicOrPartition, "Unable to find the topic."},
           {"t", 7, {1}, ErrorCode::kUnknownTopicOrPartition, "Unable to find the partition."},
           {"t",
            0,
            {},
            ErrorCode::kInvalidReplicaAssignment,
            "The manual partition assignment includes an empty replica list."},
           {"t",
            0,
            {1, 1},
            ErrorCode::kInvalidReplicaAssignment,
            "The manual partition assignment includes the broker 1 more than once."},
           {"t",
            0,
            {1, 77},
            ErrorCode::kInvalidReplicaAssignment,
            "The manual partition assignment includes broker 77, but no such broker is "
            "registered."},
           {"t",
            0,
            {4},
            ErrorCode::kInvalidReplicationFactor,
            "The replication factor is changed from 3 to 1"},
       }) {
    Answer answer = reassign(c.name, c.index, c.replicas, /*allow_factor=*/false);
    EXPECT_EQ(answer.error_code, c.code) << c.message;
    EXPECT_EQ(answer.error_message, c.message);
    EXPECT_TRUE(records_.empty());
  }
  EXPECT_EQ(reassign("t", 0, Ids{4, 5, 6}, false).error_code, ErrorCode::kNone);
  EXPECT_EQ(reassign("t", 0, Ids{4, 5}, false).error_code, ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(reassign("t", 0, Ids{4, 5, 1}, false).error_code, ErrorCode::kNone);
}

TEST_F(Reassignments, TheFactorIsThatOfTheOneUnderWay) {
  EXPECT_EQ(reassign("t", 0, Ids{4, 5}).error_code, ErrorCode::kNone);
  EXPECT_EQ(reassign("t", 0, Ids{4, 5, 6}, false).error_code, ErrorCode::kInvalidReplicationFactor);
  EXPECT_EQ(reassign("t", 0, Ids{5, 6}, false).error_code, ErrorCode::kNone);
}

TEST_F(Reassignments, APartitionIsReassignedOnceInARequest) {
  protocol::AlterPartitionReassignmentsRequest request;
  request.topics.push_back({"t", {{0, Ids{4, 5, 6}}, {0, Ids{1, 2, 4}}}});
  auto answers = run(&alter_partition_reassignments, request).responses.at(0).partitions;
  EXPECT_EQ(answers.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(answers.at(1).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(t(0).adding, (Ids{4, 5, 6}));
}

TEST_F(Reassignments, AnAnswerIsNoMultipleOfALongName) {
  protocol::AlterPartitionReassignmentsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = std::string(30'000, 'x');
  topic.partitions.resize(1'000);
  auto response = run(&alter_partition_reassignments, request);
  for (const auto& answer : response.responses.at(0).partitions)
    EXPECT_LT(answer.error_message->size(), 100u);
}

TEST_F(Reassignments, List) {
  auto list = [&](std::optional<Ids> partitions) {
    protocol::ListPartitionReassignmentsRequest request;
    request.topics.reset();
    if (partitions) {
      request.topics.emplace().push_back({"t", *partitions});
      request.topics->push_back({"t", *partitions});
      request.topics->push_back({"nope", {0}});
    }
    return list_partition_reassignments(input(), request).response.topics;
  };
  EXPECT_TRUE(list(std::nullopt).empty());
  reassign("t", 1, Ids{4, 3, 1});
  for (const auto& topics : {list(std::nullopt), list(Ids{0, 1, 7, 1})}) {
    ASSERT_EQ(topics.size(), 1u);
    EXPECT_EQ(topics[0].name, "t");
    ASSERT_EQ(topics[0].partitions.size(), 1u);
    const auto& entry = topics[0].partitions[0];
    EXPECT_EQ(entry.partition_index, 1);
    EXPECT_EQ(entry.replicas, (Ids{4, 3, 1, 2}));
    EXPECT_EQ(entry.adding_replicas, (Ids{4}));
    EXPECT_EQ(entry.removing_replicas, (Ids{2}));
  }
  EXPECT_TRUE(list(Ids{0}).empty());
}

TEST_F(Reassignments, Directories) {
  EXPECT_EQ(assign(1, disk(1), "t", {0, 7}),
            (std::vector<ErrorCode>{ErrorCode::kNone, ErrorCode::kUnknownTopicOrPartition}));
  EXPECT_TRUE(records_.empty()) << "it lies there already";
  EXPECT_EQ(assign(6, disk(6), "t", {0}), std::vector<ErrorCode>{ErrorCode::kNotLeaderOrFollower});
  EXPECT_EQ(assign(1, disk(99), "t", {0}), std::vector<ErrorCode>{ErrorCode::kNone});
  EXPECT_EQ(t(0).directories[0], disk(99));
  EXPECT_EQ(t(0).leader, 2) << "that directory is not online";
  EXPECT_EQ(t(0).isr, (Ids{2, 3}));
  EXPECT_EQ(assign(2, disk(98), "t", {0, 0}),
            (std::vector<ErrorCode>{ErrorCode::kNone, ErrorCode::kInvalidRequest}));
  protocol::AssignReplicasToDirsRequest stale;
  stale.broker_id = 1;
  EXPECT_EQ(run(&assign_replicas_to_dirs, stale).error_code, ErrorCode::kStaleBrokerEpoch);
}

}  // namespace
}  // namespace longhaul::broker::metadata
