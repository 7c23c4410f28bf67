#include "protocol/messages/list_offsets.h"

#include "protocol/messages/offset_for_leader_epoch.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

constexpr int16_t kNewest = 10;

class ListOffsets : public NodeFixture {
 protected:
  using Answer = ListOffsetsResponse::ListOffsetsPartitionResponse;

  void SetUp() override {
    start();
    create_topic("t");
  }
  static ListOffsetsRequest request(int64_t timestamp, int32_t partition = 0) {
    ListOffsetsRequest request;
    request.replica_id = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    topic.partitions.push_back({.partition_index = partition, .timestamp = timestamp});
    return request;
  }
  Answer list(const ListOffsetsRequest& request, int16_t version = kNewest) {
    return ask<ListOffsetsResponse>(request, version).topics.at(0).partitions.at(0);
  }
  Answer at(int64_t timestamp, int16_t version = kNewest) {
    return list(request(timestamp), version);
  }
  /// Two records, at `at_ms` and a millisecond later.
  void produce_at(int64_t at_ms, records::Codec codec = records::Codec::kNone) {
    records::BatchBuilder builder({.codec = codec});
    builder.append(at_ms, std::nullopt, base::as_bytes("a"));
    builder.append(at_ms + 1, std::nullopt, base::as_bytes("b"));
    base::Bytes records = builder.build(codecs_);
    ASSERT_EQ(produce("t", records).error_code, ErrorCode::kNone);
  }
};

TEST_F(ListOffsets, AnEmptyLogHasEndsButNoRecord) {
  EXPECT_EQ(at(-1).offset, 0);
  EXPECT_EQ(at(-2).offset, 0);
  EXPECT_EQ(at(-4).offset, 0);
  for (int64_t none : {int64_t{-3}, int64_t{-5}, int64_t{0}, INT64_MAX}) {
    EXPECT_EQ(at(none).error_code, ErrorCode::kNone) << none;
    EXPECT_EQ(at(none).offset, -1) << none;
    EXPECT_EQ(at(none).timestamp, -1) << none;
  }
}

TEST_F(ListOffsets, SpecialTimestamps) {
  int64_t now = clock_.wall_ms();
  produce_at(now - 100);
  produce_at(now + 100);
  produce_at(now);
  EXPECT_EQ(at(-1).offset, 6);
  EXPECT_EQ(at(-1).timestamp, -1);
  EXPECT_EQ(at(-1).leader_epoch, 0);
  EXPECT_EQ(at(-2).offset, 0);
  Answer newest = at(-3);
  EXPECT_EQ(newest.offset, 3);
  EXPECT_EQ(newest.timestamp, now + 101);
  EXPECT_EQ(at(-5).offset, -1);
}

TEST_F(ListOffsets, FindsTheFirstRecordThatIsNotOlder) {
  int64_t now = clock_.wall_ms();
  produce_at(now - 100);
  produce_at(now, records::Codec::kGzip);
  EXPECT_EQ(at(0).offset, 0);
  EXPECT_EQ(at(now - 100).offset, 0);
  EXPECT_EQ(at(now - 99).offset, 1);
  EXPECT_EQ(at(now - 98).offset, 2);
  EXPECT_EQ(at(now + 1).offset, 3);
  EXPECT_EQ(at(now + 1).timestamp, now + 1);
  EXPECT_EQ(at(now + 2).offset, -1);
}

TEST_F(ListOffsets, AVersionKnowsNotAllTimestamps) {
  for (int16_t version = 1; version <= kNewest; ++version) {
    auto known = [&](int64_t timestamp) {
      return at(timestamp, version).error_code == ErrorCode::kNone;
    };
    EXPECT_TRUE(known(-1) && known(-2) && known(0)) << version;
    EXPECT_EQ(known(-3), version >= 7) << version;
    EXPECT_EQ(known(-4), version >= 8) << version;
    EXPECT_EQ(known(-5), version >= 9) << version;
    EXPECT_FALSE(known(-6)) << version;
    EXPECT_FALSE(known(INT64_MIN)) << version;
  }
  EXPECT_EQ(at(-7).error_code, ErrorCode::kUnsupportedVersion);
}

TEST_F(ListOffsets, LookingAtTheLogIsAWorkersTask) {
  uint64_t ends = send(request(-1), kNewest);
  EXPECT_TRUE(answered(ends));
  for (int64_t timestamp : {int64_t{0}, int64_t{-3}}) {
    uint64_t looks = send(request(timestamp), kNewest);
    run_without_workers();
    EXPECT_FALSE(answered(looks)) << timestamp;
    run();
    EXPECT_TRUE(answered(looks)) << timestamp;
  }
}

TEST_F(ListOffsets, WhatIsNotThereHasItsError) {
  for (int32_t partition : {-1, 1, INT32_MAX}) {
    EXPECT_EQ(list(request(-1, partition)).error_code, ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(list(request(-1, partition)).partition_index, partition);
  }
  ListOffsetsRequest ahead = request(-1);
  ahead.topics[0].partitions[0].current_leader_epoch = 5;
  EXPECT_EQ(list(ahead).error_code, ErrorCode::kUnknownLeaderEpoch);
  ahead.topics[0].name = "none";
  EXPECT_EQ(list(ahead).error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_TRUE(ask<ListOffsetsResponse>(ListOffsetsRequest{}, kNewest).topics.empty());
}

TEST_F(ListOffsets, EndsOfEpochs) {
  produce_at(clock_.wall_ms());
  protocol::OffsetForLeaderEpochRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic = "t";
  topic.partitions.push_back({.partition = 0, .leader_epoch = 0});
  topic.partitions.push_back({.partition = 0, .leader_epoch = 3});
  topic.partitions.push_back({.partition = 0, .current_leader_epoch = 9, .leader_epoch = 0});
  topic.partitions.push_back({.partition = 7, .leader_epoch = 0});
  auto response = ask<protocol::OffsetForLeaderEpochResponse>(request, 4);
  const auto& ends = response.topics.at(0).partitions;
  EXPECT_EQ(ends.at(0).end_offset, 2);
  EXPECT_EQ(ends.at(0).leader_epoch, 0);
  EXPECT_EQ(ends.at(1).end_offset, -1) << "an epoch that has not begun";
  EXPECT_EQ(ends.at(2).error_code, ErrorCode::kUnknownLeaderEpoch);
  EXPECT_EQ(ends.at(3).error_code, ErrorCode::kUnknownTopicOrPartition);
}

}  // namespace
}  // namespace longhaul::broker::handlers
