#include "protocol/messages/delete_topics.h"
#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using std::chrono::milliseconds;

constexpr int16_t kByName = 12, kById = 17;

class Fetch : public NodeFixture {
 protected:
  void SetUp() override {
    start();
    id_ = create_topic("t", 2);
  }
  static FetchRequest request(int32_t max_wait_ms, int32_t min_bytes, int64_t offset = 0) {
    FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = min_bytes;
    auto& topic = request.topics.emplace_back();
    topic.topic = "t";
    topic.partitions.push_back({.fetch_offset = offset, .partition_max_bytes = 1 << 20});
    return request;
  }
  FetchResponse fetch(const FetchRequest& request) { return ask<FetchResponse>(request, kByName); }
  static const FetchResponse::PartitionData& part(const FetchResponse& response, size_t index = 0) {
    return response.responses.at(0).partitions.at(index);
  }
  ErrorCode delete_topic() {
    protocol::DeleteTopicsRequest request;
    request.timeout_ms = 10'000;
    request.topics.push_back({.name = "t"});
    auto response = ask<protocol::DeleteTopicsResponse>(request, 6);
    return response.responses.at(0).error_code;
  }

  base::Uuid id_;
};

TEST_F(Fetch, GivesTheBytesThatWereProduced) {
  base::Bytes first = batch(3), second = batch(2);
  produce("t", first);
  produce("t", second);
  auto response = fetch(request(0, 1, 3));
  EXPECT_EQ(part(response).error_code, ErrorCode::kNone);
  EXPECT_EQ(part(response).high_watermark, 5);
  ASSERT_TRUE(part(response).records);
  records::BatchWalker walker(part(response).records->bytes);
  const records::BatchView* got = walker.next();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->header.base_offset, 3);
  EXPECT_TRUE(records::crc_matches(got->bytes));
  EXPECT_EQ(got->bytes.size(), second.size());
  EXPECT_FALSE(walker.next());
}

TEST_F(Fetch, AnswersAtOnceWhenItNeedNotOrCannotWait) {
  base::Bytes records = batch();
  produce("t", records);
  size_t timers = simulation_.pending();
  EXPECT_TRUE(answered(send(request(500, 1), kByName))) << "there is enough";
  EXPECT_TRUE(answered(send(request(0, 1 << 20), kByName))) << "it does not want to wait";
  EXPECT_TRUE(answered(send(request(-5, 1 << 20), kByName)));
  EXPECT_TRUE(answered(send(request(500, 0, 1), kByName))) << "nothing is enough";
  EXPECT_TRUE(answered(send(request(500, -1, 1), kByName)));
  EXPECT_TRUE(answered(send(request(500, 1, 2), kByName))) << "an error is told at once";
  FetchRequest nothing;
  nothing.max_wait_ms = 500;
  nothing.min_bytes = 1;
  EXPECT_TRUE(answered(send(nothing, kByName))) << "nothing was asked for";
  EXPECT_EQ(simulation_.pending(), timers);
}

TEST_F(Fetch, WaitsForMinBytesAndIsWokenByAppends) {
  base::Bytes records = batch();
  size_t timers = simulation_.pending();
  auto wanted = static_cast<int32_t>(records.size() + 1);
  uint64_t sequence = send(request(500, wanted), kByName);
  run();
  EXPECT_FALSE(answered(sequence));
  EXPECT_EQ(simulation_.pending(), timers + 1);
  produce("t", records);
  EXPECT_FALSE(answered(sequence)) << "one batch is a byte too few";
  produce("t", records);
  ASSERT_TRUE(answered(sequence));
  EXPECT_EQ(simulation_.pending(), timers) << "its timer is gone";
  auto response = answer<FetchResponse>(sequence, kByName);
  EXPECT_EQ(part(response).records->size(), 2 * records.size());
  produce("t", records);  // wakes nobody
}

TEST_F(Fetch, GivesWhatThereIsWhenItsTimeIsOver) {
  base::Bytes records = batch();
  produce("t", records);
  uint64_t sequence = send(request(500, 1 << 20), kByName);
  advance(milliseconds(499));
  EXPECT_FALSE(answered(sequence));
  advance(milliseconds(1));
  ASSERT_TRUE(answered(sequence));
  EXPECT_EQ(part(answer<FetchResponse>(sequence, kByName)).records->size(), records.size());
}

TEST_F(Fetch, ATopicDeletedDuringTheWaitEndsIt) {
  for (int16_t version : {kByName, kById}) {
    FetchRequest wanted = request(10'000, 1);
    wanted.topics[0].topic_id = version == kById ? id_ : base::Uuid{};
    uint64_t sequence = send(wanted, version);
    run();
    EXPECT_FALSE(answered(sequence));
    ASSERT_EQ(delete_topic(), ErrorCode::kNone);
    ASSERT_TRUE(answered(sequence)) << version;
    EXPECT_EQ(part(answer<FetchResponse>(sequence, version)).error_code,
              version == kById ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition);
    id_ = create_topic("t", 2);
  }
}

TEST_F(Fetch, WaitsOnAllItsPartitionsAtOnce) {
  FetchRequest both = request(500, 1);
  both.topics[0].partitions.push_back({.partition = 1, .partition_max_bytes = 1 << 20});
  uint64_t sequence = send(both, kByName);
  run();
  base::Bytes records = batch();
  ask<protocol::ProduceResponse>(produce_request("t", records, 1), kProduce);
  ASSERT_TRUE(answered(sequence));
  auto response = answer<FetchResponse>(sequence, kByName);
  EXPECT_EQ(part(response, 0).records->size(), 0u);
  EXPECT_EQ(part(response, 1).records->size(), records.size());
}

TEST_F(Fetch, PartitionsThatAreNotThereAndOffsetsOutOfRangeHaveTheirErrors) {
  base::Bytes records = batch();
  produce("t", records);
  FetchRequest odd = request(0, 1);
  auto& wanted = odd.topics[0].partitions;
  for (int32_t index : {-1, 2, INT32_MAX}) wanted.push_back({.partition = index});
  auto response = fetch(odd);
  EXPECT_EQ(part(response, 0).error_code, ErrorCode::kNone);
  for (size_t i : {1, 2, 3}) {
    EXPECT_EQ(part(response, i).error_code, ErrorCode::kUnknownTopicOrPartition);
    EXPECT_EQ(part(response, i).high_watermark, -1);
  }
  for (int64_t offset : {int64_t{-1}, int64_t{2}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(part(fetch(request(0, 1, offset))).error_code, ErrorCode::kOffsetOutOfRange)
        << offset;
  }
  FetchRequest none = request(0, 1);
  none.topics[0].topic = std::string(300, 'x');
  EXPECT_EQ(part(fetch(none)).error_code, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(Fetch, ATopicIdThatIsNotTheTopicsIsUnknown) {
  FetchRequest wanted = request(0, 1);
  wanted.topics[0].topic_id = id_;
  EXPECT_EQ(part(ask<FetchResponse>(wanted, kById)).error_code, ErrorCode::kNone);
  wanted.topics[0].topic_id.bytes[0] ^= 1;
  auto response = ask<FetchResponse>(wanted, kById);
  EXPECT_EQ(part(response).error_code, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(response.responses[0].topic_id, wanted.topics[0].topic_id);
}

TEST_F(Fetch, LeaderEpochsAreChecked) {
  FetchRequest wanted = request(0, 1);
  wanted.topics[0].partitions[0].current_leader_epoch = 0;
  EXPECT_EQ(part(fetch(wanted)).error_code, ErrorCode::kNone);
  wanted.topics[0].partitions[0].current_leader_epoch = 1;
  EXPECT_EQ(part(fetch(wanted)).error_code, ErrorCode::kUnknownLeaderEpoch);
}

TEST_F(Fetch, LimitsHoldButOneBatchAlwaysComes) {
  base::Bytes records = batch(10);
  for (int i = 0; i < 4; ++i) produce("t", records);
  ask<protocol::ProduceResponse>(produce_request("t", records, 1), kProduce);
  FetchRequest both = request(0, 1);
  both.topics[0].partitions[0].partition_max_bytes = 1;
  both.topics[0].partitions.push_back({.partition = 1, .partition_max_bytes = 1});
  auto response = fetch(both);
  EXPECT_EQ(part(response, 0).records->size(), records.size()) << "the first, whatever its size";
  EXPECT_EQ(part(response, 1).records->size(), 0u);
  for (int32_t most : {1, 0, -1, INT32_MIN}) {
    both.max_bytes = most;
    EXPECT_EQ(part(fetch(both), 0).records->size(), records.size()) << most;
  }
  both.max_bytes = INT32_MAX;
  both.topics[0].partitions[0].partition_max_bytes = static_cast<int32_t>(2 * records.size());
  EXPECT_EQ(part(fetch(both), 0).records->size(), 2 * records.size());
}

TEST_F(Fetch, ASessionTellsOnlyNewsAndServesTheStarvedFirst) {
  base::Bytes records = batch(10);
  FetchRequest both = request(0, 1);
  both.session_epoch = 0;
  both.topics[0].partitions.push_back({.partition = 1, .partition_max_bytes = 1 << 20});
  auto full = fetch(both);
  ASSERT_NE(full.session_id, 0);
  EXPECT_EQ(full.responses.at(0).partitions.size(), 2u) << "the first answer has all";
  FetchRequest next;
  next.session_id = full.session_id;
  next.session_epoch = 1;
  EXPECT_TRUE(fetch(next).responses.empty()) << "no news";
  produce("t", records);
  ask<protocol::ProduceResponse>(produce_request("t", records, 1), kProduce);
  next.max_bytes = 1;
  next.session_epoch = 2;
  auto first = fetch(next);
  EXPECT_EQ(part(first, 0).partition_index, 0);
  EXPECT_GT(part(first, 0).records->size(), 0u);
  next.session_epoch = 3;
  auto second = fetch(next);
  EXPECT_EQ(part(second, 0).partition_index, 1) << "who was given something stands back";
  EXPECT_GT(part(second, 0).records->size(), 0u);
  next.session_epoch = 9;
  EXPECT_EQ(fetch(next).error_code, ErrorCode::kInvalidFetchSessionEpoch);
}

TEST_F(Fetch, TheSessionIsFreeAgainOnceAWaitWasAnswered) {
  FetchRequest wanted = request(500, 1);
  wanted.session_epoch = 0;
  uint64_t sequence = send(wanted, kByName);
  run();
  advance(milliseconds(500));
  int32_t id = answer<FetchResponse>(sequence, kByName).session_id;
  ASSERT_NE(id, 0);
  FetchRequest next;
  next.session_id = id;
  next.session_epoch = 1;
  EXPECT_EQ(fetch(next).error_code, ErrorCode::kNone);
}

TEST_F(Fetch, AWaitEndsWithItsConnection) {
  size_t timers = simulation_.pending();
  FetchRequest wanted = request(INT32_MAX, 1);
  send(wanted, kByName);
  run();
  EXPECT_GT(simulation_.pending(), timers);
  connection_->when_closed.run();
  EXPECT_EQ(simulation_.pending(), timers);
  EXPECT_EQ(answers_.use_count(), 1) << "nothing of it is left";
  send(wanted, kByName);  // was on its way to us
  run();
  EXPECT_EQ(simulation_.pending(), timers);
  produce("t", batch());
}

TEST_F(Fetch, AStopDuringTheWaitAnswersIt) {
  uint64_t sequence = send(request(10'000, 1), kByName);
  run();
  EXPECT_FALSE(answered(sequence));
  NodeFixture::TearDown();
  ASSERT_TRUE(answered(sequence));
  EXPECT_EQ(part(answer<FetchResponse>(sequence, kByName)).error_code,
            ErrorCode::kNotLeaderOrFollower);
}

}  // namespace
}  // namespace longhaul::broker::handlers
