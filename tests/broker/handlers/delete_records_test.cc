#include "protocol/messages/delete_records.h"

#include "protocol/messages/find_coordinator.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::DeleteRecordsRequest;
using protocol::DeleteRecordsResponse;
using protocol::ErrorCode;

class DeleteRecords : public NodeFixture {
 protected:
  using Answer = DeleteRecordsResponse::DeleteRecordsPartitionResult;

  void SetUp() override {
    start();
    create_topic("t", 1, {{"segment.bytes", "1048576"}});
  }
  void produce_some(int batches) {
    for (int i = 0; i < batches; ++i) {
      base::Bytes records = batch(10);
      ASSERT_EQ(produce("t", records).error_code, ErrorCode::kNone);
    }
  }
  Answer delete_before(int64_t offset, const std::string& topic = "t", int32_t partition = 0) {
    DeleteRecordsRequest request;
    request.timeout_ms = 1000;
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    asked.partitions.push_back({.partition_index = partition, .offset = offset});
    return ask<DeleteRecordsResponse>(request, 2).topics.at(0).partitions.at(0);
  }
  std::shared_ptr<log::Log> log() { return node_->logs().get("t", 0); }
};

TEST_F(DeleteRecords, MovesTheStartAndSaysWhere) {
  produce_some(3);
  auto answer = delete_before(7);
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.low_watermark, 7);
  EXPECT_EQ(log()->log_start_offset(), 7);
  EXPECT_EQ(delete_before(3).low_watermark, 7) << "what is gone is gone";
  EXPECT_EQ(delete_before(-1).low_watermark, 30);
  EXPECT_EQ(log()->log_start_offset(), 30);
}

TEST_F(DeleteRecords, IsDurableBeforeItIsAnswered) {
  produce_some(1);
  ASSERT_TRUE(log()->flush());
  ASSERT_EQ(delete_before(7).low_watermark, 7);
  auto checkpoint = log::read_offset_checkpoint(files_, "/d/log-start-offset-checkpoint");
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->at({"t", 0}), 7);
}

TEST_F(DeleteRecords, RemovesTheSegmentsThatNobodyCanReadAnyMore) {
  produce_some(2);
  ASSERT_TRUE(log()->roll());
  produce_some(1);
  ASSERT_EQ(log()->segment_count(), 2u);
  delete_before(20);
  EXPECT_EQ(log()->segment_count(), 1u);
  EXPECT_TRUE(files_.exists("/d/t-0/00000000000000000000.log.deleted"));
}

TEST_F(DeleteRecords, Refusals) {
  produce_some(1);
  EXPECT_EQ(delete_before(11).error_code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(delete_before(-2).error_code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(delete_before(11).low_watermark, -1);
  EXPECT_EQ(delete_before(0, "none").error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(delete_before(0, "t", 1).error_code, ErrorCode::kUnknownTopicOrPartition);
  create_topic("compacted", 1, {{"cleanup.policy", "compact"}});
  EXPECT_EQ(delete_before(0, "compacted").error_code, ErrorCode::kPolicyViolation);
  protocol::FindCoordinatorRequest coordinator;
  coordinator.coordinator_keys = {"g"};
  ask<protocol::FindCoordinatorResponse>(coordinator, 4);
  EXPECT_EQ(delete_before(0, "__consumer_offsets").error_code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(log()->log_start_offset(), 0);
}

TEST_F(DeleteRecords, NothingBelowTheStartCanBeFetched) {
  produce_some(2);
  delete_before(10);
  auto partition_start = log()->read({.offset = 9, .max_bytes = 100, .upper_bound = 20});
  ASSERT_FALSE(partition_start);
  EXPECT_EQ(partition_start.error().code, ErrorCode::kOffsetOutOfRange);
}

}  // namespace
}  // namespace longhaul::broker::handlers
