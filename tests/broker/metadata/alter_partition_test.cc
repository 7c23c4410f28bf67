#include "tests/broker/metadata/replica_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using Wanted = protocol::AlterPartitionRequest::PartitionData;

class AlterPartition : public ReplicaFixture {
 protected:
  void SetUp() override {
    ReplicaFixture::SetUp();
    make_topic("t", {{1, 2, 3}});
    fence(3);
    unfence(3);
    ASSERT_EQ(isr("t", 0), (Ids{1, 2}));
  }
  Wanted wanted(const Ids& isr, int64_t epoch_shift = 0) {
    const Partition& partition = *image_->partition("t", 0);
    Wanted result;
    result.leader_epoch = partition.leader_epoch;
    result.partition_epoch = partition.partition_epoch;
    for (int32_t id : isr) {
      const Broker* broker = image_->broker(id);
      result.new_isr_with_epochs.push_back(
          {id, broker == nullptr ? -1 : broker->epoch + epoch_shift});
    }
    return result;
  }
  protocol::AlterPartitionResponse send(int32_t from, Wanted wanted, base::Uuid topic) {
    protocol::AlterPartitionRequest request;
    request.broker_id = from;
    request.broker_epoch = image_->broker(from)->epoch;
    auto& entry = request.topics.emplace_back();
    entry.topic_id = topic;
    entry.partitions.push_back(std::move(wanted));
    return run(&alter_partition, request);
  }
  protocol::AlterPartitionResponse::PartitionData alter(int32_t from, Wanted wanted) {
    return send(from, std::move(wanted), image_->topic("t")->id).topics.at(0).partitions.at(0);
  }
  ErrorCode code(Wanted wanted) {
    ErrorCode code = alter(1, std::move(wanted)).error_code;
    EXPECT_EQ(records_.empty(), code != ErrorCode::kNone);
    return code;
  }
};

TEST_F(AlterPartition, TheLeaderChangesItsIsr) {
  auto answer = alter(1, wanted({1, 2, 3}));
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.isr, (Ids{1, 2, 3}));
  EXPECT_EQ(isr("t", 0), (Ids{1, 2, 3}));
  EXPECT_EQ(answer.leader_id, 1);
  EXPECT_EQ(answer.leader_epoch, image_->partition("t", 0)->leader_epoch);
  EXPECT_EQ(answer.partition_epoch, image_->partition("t", 0)->partition_epoch);
  // What is so already is answered, and changes nothing.
  answer = alter(1, wanted({1, 2, 3}));
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.partition_epoch, image_->partition("t", 0)->partition_epoch);
  EXPECT_TRUE(records_.empty());
  // Version 2 names no epochs.
  Wanted older = wanted({});
  older.new_isr = {1};
  EXPECT_EQ(code(older), ErrorCode::kNone);
  EXPECT_EQ(isr("t", 0), (Ids{1}));
}

TEST_F(AlterPartition, ALeaderThatLeavesItselfOutStepsDown) {
  ASSERT_EQ(code(wanted({1, 2, 3})), ErrorCode::kNone);
  int32_t epoch = image_->partition("t", 0)->leader_epoch;
  EXPECT_EQ(alter(1, wanted({2, 3})).error_code, ErrorCode::kNewLeaderElected);
  EXPECT_EQ(isr("t", 0), (Ids{2, 3}));
  EXPECT_EQ(image_->partition("t", 0)->leader, 2);
  EXPECT_EQ(image_->partition("t", 0)->leader_epoch, epoch + 1);
}

TEST_F(AlterPartition, Epochs) {
  auto shifted = [&](int32_t leader, int32_t partition) {
    Wanted result = wanted({1, 2, 3});
    result.leader_epoch += leader;
    result.partition_epoch += partition;
    return result;
  };
  EXPECT_EQ(code(shifted(1, 0)), ErrorCode::kNotController);
  EXPECT_EQ(code(shifted(0, 1)), ErrorCode::kNotController);
  EXPECT_EQ(code(shifted(-1, 0)), ErrorCode::kFencedLeaderEpoch);
  EXPECT_EQ(code(shifted(0, -1)), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(alter(2, wanted({1, 2})).error_code, ErrorCode::kInvalidRequest);
  protocol::AlterPartitionRequest stale;
  stale.broker_id = 1;
  stale.broker_epoch = image_->broker(1)->epoch - 1;
  EXPECT_EQ(run(&alter_partition, stale).error_code, ErrorCode::kStaleBrokerEpoch);
  stale.broker_id = 77;
  EXPECT_EQ(run(&alter_partition, stale).error_code, ErrorCode::kStaleBrokerEpoch);
}

TEST_F(AlterPartition, APartitionChangesOnceInARequest) {
  protocol::AlterPartitionRequest request;
  request.broker_id = 1;
  request.broker_epoch = image_->broker(1)->epoch;
  request.topics.push_back({image_->topic("t")->id, {wanted({1, 2, 3}), wanted({1})}});
  auto answers = run(&alter_partition, request).topics.at(0).partitions;
  EXPECT_EQ(answers.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(answers.at(1).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(isr("t", 0), (Ids{1, 2, 3}));
}

TEST_F(AlterPartition, WhatABatchCannotHoldIsAskedForAgain) {
  constexpr auto kMost = static_cast<int32_t>(kMaxRecordsPerRequest);
  protocol::AlterPartitionRequest request;
  request.broker_id = 1;
  for (const char* name : {"a", "b"}) {
    make_topic(name, std::vector<Ids>(kMost / 2 + 1, Ids{1, 2}));
    auto& topic = request.topics.emplace_back();
    topic.topic_id = image_->topic(name)->id;
    for (int32_t i = 0; i <= kMost / 2; ++i)
      topic.partitions.push_back({.partition_index = i, .new_isr = {1}});
  }
  request.broker_epoch = image_->broker(1)->epoch;
  auto response = run(&alter_partition, request);
  EXPECT_EQ(records_.size(), kMaxRecordsPerRequest);
  EXPECT_EQ(response.topics.at(0).partitions.back().error_code, ErrorCode::kNone);
  EXPECT_EQ(response.topics.at(1).partitions.back().error_code, ErrorCode::kRequestTimedOut);
}

TEST_F(AlterPartition, Names) {
  auto unknown = send(1, wanted({1}), disk(9)).topics.at(0).partitions.at(0);
  EXPECT_EQ(unknown.error_code, ErrorCode::kUnknownTopicId);
  Wanted none = wanted({1});
  none.partition_index = 1;
  EXPECT_EQ(code(none), ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(AlterPartition, WhoMayBeInSync) {
  EXPECT_EQ(code(wanted({1, 4})), ErrorCode::kInvalidRequest) << "not a replica";
  EXPECT_EQ(code(wanted({})), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code(wanted({1, 2, 2})), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code(wanted({1, 3}, -1)), ErrorCode::kIneligibleReplica) << "an earlier run";
  fence(3);
  EXPECT_EQ(code(wanted({1, 2, 3})), ErrorCode::kIneligibleReplica);
  unfence(3);
  make_topic("u", {{3, 1}});  // so that its shutdown takes a while
  auto leaving = heartbeat(3);
  leaving.want_shut_down = true;
  run(&broker_heartbeat, leaving);
  ASSERT_TRUE(image_->broker(3)->in_controlled_shutdown);
  EXPECT_EQ(code(wanted({1, 2, 3})), ErrorCode::kIneligibleReplica);
  protocol::UnregisterBrokerRequest gone;
  gone.broker_id = 3;
  run(&unregister_broker, gone);
  EXPECT_EQ(code(wanted({1, 2, 3})), ErrorCode::kIneligibleReplica);
}

TEST_F(AlterPartition, Recovery) {
  Wanted back = wanted({1, 2});
  back.leader_recovery_state = kRecovering;
  EXPECT_EQ(code(back), ErrorCode::kInvalidRequest) << "it is recovered";
  back.leader_recovery_state = 9;
  EXPECT_EQ(code(back), ErrorCode::kInvalidRequest);
  make_topic("u", {{4, 5}}, {{"unclean.leader.election.enable", "1"}});
  fence(5);
  fence(4);
  unfence(5);
  const Partition* partition = image_->partition("u", 0);
  ASSERT_EQ(partition->leader, 5);
  ASSERT_EQ(partition->leader_recovery_state, kRecovering);
  unfence(4);
  partition = image_->partition("u", 0);
  Wanted recovering;
  recovering.leader_epoch = partition->leader_epoch;
  recovering.partition_epoch = partition->partition_epoch;
  recovering.new_isr = {5, 4};
  recovering.leader_recovery_state = kRecovering;
  auto answer = [&] {
    return send(5, recovering, image_->topic("u")->id).topics.at(0).partitions.at(0).error_code;
  };
  EXPECT_EQ(answer(), ErrorCode::kInvalidRequest) << "nobody joins before it has recovered";
  recovering.leader_recovery_state = kRecovered;
  EXPECT_EQ(answer(), ErrorCode::kNone);
  EXPECT_EQ(image_->partition("u", 0)->leader_recovery_state, kRecovered);
}

TEST_F(AlterPartition, ACompletedReassignmentTakesTheLead) {
  alter(1, wanted({1, 2, 3}));
  protocol::AlterPartitionReassignmentsRequest request;
  request.topics.push_back({"t", {{0, Ids{2, 3}}}});
  run(&alter_partition_reassignments, request);
  EXPECT_EQ(image_->partition("t", 0)->removing, Ids{}) << "nothing to add: done at once";
  EXPECT_EQ(leader("t", 0), 2);
  request.topics[0].partitions[0].replicas = Ids{4, 5};
  run(&alter_partition_reassignments, request);
  EXPECT_EQ(replicas("t", 0), (Ids{4, 5, 2, 3}));
  auto answer = alter(2, wanted({2, 4}));
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  answer = alter(2, wanted({2, 4, 5}));
  EXPECT_EQ(answer.error_code, ErrorCode::kNewLeaderElected);
  EXPECT_EQ(replicas("t", 0), (Ids{4, 5}));
  EXPECT_EQ(leader("t", 0), 4);
  EXPECT_EQ(isr("t", 0), (Ids{4, 5}));
}

}  // namespace
}  // namespace longhaul::broker::metadata
