#include "tests/broker/handlers/node_fixture.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;

class Produce : public NodeFixture {
 protected:
  static std::vector<ErrorCode> errors(const ProduceResponse& response) {
    std::vector<ErrorCode> codes;
    for (const auto& topic : response.responses) {
      for (const auto& each : topic.partition_responses) codes.push_back(each.error_code);
    }
    return codes;
  }
};

TEST_F(Produce, EachPartitionHasItsOwnOutcome) {
  start();
  create_topic("t", 2);
  create_topic("__consumer_offsets");
  base::Bytes good = batch(3), broken = batch();
  broken.back() ^= 1;
  ProduceRequest request = produce_request("t", good, 1);
  auto& of_t = request.topic_data[0].partition_data;
  of_t.push_back({.index = 0, .records = protocol::Records{broken}});
  of_t.push_back({.index = 0, .records = std::nullopt});
  of_t.push_back({.index = 0, .records = protocol::Records{}});
  of_t.push_back({.index = 2, .records = protocol::Records{good}});
  of_t.push_back({.index = -1, .records = protocol::Records{good}});
  of_t.push_back({.index = INT32_MAX, .records = protocol::Records{good}});
  auto other = [&](const char* name) {
    auto topic = produce_request(name, good).topic_data[0];
    request.topic_data.push_back(topic);
  };
  other("none");
  other("__consumer_offsets");
  other("");
  auto response = ask<ProduceResponse>(request, kProduce);
  EXPECT_EQ(errors(response),
            (std::vector{ErrorCode::kNone, ErrorCode::kCorruptMessage, ErrorCode::kInvalidRecord,
                         ErrorCode::kInvalidRecord, ErrorCode::kUnknownTopicOrPartition,
                         ErrorCode::kUnknownTopicOrPartition, ErrorCode::kUnknownTopicOrPartition,
                         ErrorCode::kUnknownTopicOrPartition, ErrorCode::kInvalidTopicException,
                         ErrorCode::kUnknownTopicOrPartition}));
  const auto& parts = response.responses[0].partition_responses;
  EXPECT_EQ(parts[0].index, 1);
  EXPECT_EQ(parts[0].base_offset, 0);
  EXPECT_EQ(parts[0].log_start_offset, 0);
  EXPECT_EQ(parts[0].log_append_time_ms, -1);
  EXPECT_EQ(parts[5].index, -1);
  EXPECT_EQ(parts[5].base_offset, -1);
  EXPECT_EQ(node_->logs().get("t", 1)->log_end_offset(), 3);
  EXPECT_EQ(node_->logs().get("t", 0)->log_end_offset(), 0) << "nothing bad was written";
}

TEST_F(Produce, OnePartitionNamedTwiceGetsBothInTheirOrder) {
  start();
  create_topic("t");
  base::Bytes first = batch(2), second = batch(3);
  ProduceRequest request = produce_request("t", first);
  request.topic_data.push_back(produce_request("t", second).topic_data[0]);
  auto response = ask<ProduceResponse>(request, kProduce);
  ASSERT_EQ(response.responses.size(), 2u);
  EXPECT_EQ(response.responses[0].partition_responses.at(0).base_offset, 0);
  EXPECT_EQ(response.responses[1].partition_responses.at(0).base_offset, 2);
}

TEST_F(Produce, TopicsByIdFollowTheirIdAndNotTheirName) {
  start();
  base::Uuid old_id = create_topic("t");
  base::Bytes records = batch();
  ProduceRequest request = produce_request("", records);
  request.topic_data[0].topic_id = old_id;
  auto response = ask<ProduceResponse>(request, 13);
  EXPECT_EQ(errors(response), std::vector{ErrorCode::kNone});
  EXPECT_EQ(response.responses[0].topic_id, old_id);
  request.topic_data[0].topic_id.bytes[3] ^= 1;
  EXPECT_EQ(errors(ask<ProduceResponse>(request, 13)), std::vector{ErrorCode::kUnknownTopicId});
  request.topic_data[0].topic_id = {};
  EXPECT_EQ(errors(ask<ProduceResponse>(request, 13)),
            std::vector{ErrorCode::kUnknownTopicOrPartition});
}

TEST_F(Produce, AcksAreMinusOneZeroOrOne) {
  start();
  create_topic("t");
  base::Bytes records = batch();
  ProduceRequest request = produce_request("t", records);
  for (int16_t acks : {2, -2, 0x7fff, -0x8000}) {
    request.acks = acks;
    EXPECT_EQ(errors(ask<ProduceResponse>(request, kProduce)),
              std::vector{ErrorCode::kInvalidRequiredAcks});
  }
  EXPECT_EQ(node_->logs().get("t", 0)->log_end_offset(), 0);
  request.acks = 1;
  EXPECT_EQ(errors(ask<ProduceResponse>(request, kProduce)), std::vector{ErrorCode::kNone});
}

TEST_F(Produce, WithoutAcksAnErrorClosesAndSuccessIsSilent) {
  start();
  create_topic("t");
  base::Bytes records = batch();
  ProduceRequest request = produce_request("t", records);
  request.acks = 0;
  uint64_t silent = send(request, kProduce);
  run();
  ASSERT_TRUE(answered(silent));
  EXPECT_EQ(answers_->of(silent)->kind, net::Outcome::Kind::kNone);
  request.topic_data[0].name = "none";
  uint64_t failing = send(request, kProduce);
  run();
  EXPECT_NE(closed(failing), "");
}

TEST_F(Produce, TransactionsAreRefusedAsLongAsThereAreNone) {
  start();
  create_topic("t");
  base::Bytes records = batch();
  ProduceRequest request = produce_request("t", records);
  request.transactional_id = "me";
  EXPECT_EQ(errors(ask<ProduceResponse>(request, kProduce)),
            std::vector{ErrorCode::kInvalidTxnState});
  EXPECT_EQ(node_->logs().get("t", 0)->log_end_offset(), 0);
}

// The metadata come to this broker later than to who told the client.
TEST_F(Produce, WhatIsSentTooEarlyIsNotOvertaken) {
  start();
  auto send = [&](int32_t sequence) {
    records::BatchBuilder builder(
        {.producer_id = 7, .producer_epoch = 0, .base_sequence = sequence});
    builder.append(clock_.wall_ms(), std::nullopt, base::as_bytes(std::string("v")));
    return produce("t", builder.build(codecs_)).error_code;
  };
  EXPECT_EQ(send(0), ErrorCode::kUnknownTopicOrPartition);
  create_topic("t");
  EXPECT_EQ(send(1), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(send(0), ErrorCode::kNone);
  EXPECT_EQ(send(1), ErrorCode::kNone);
}

TEST_F(Produce, ATopicOfOneReplicaNeedsNoMoreInSync) {
  start();
  create_topic("t", 1, {{"min.insync.replicas", "2"}});
  EXPECT_EQ(produce("t", batch()).error_code, ErrorCode::kNone);
}

TEST_F(Produce, RecordsAtFaultAreNamed) {
  start();
  create_topic("t", 1, {{"cleanup.policy", "compact"}});
  auto outcome = produce("t", batch(2));  // without keys
  EXPECT_EQ(outcome.error_code, ErrorCode::kInvalidRecord);
  ASSERT_EQ(outcome.record_errors.size(), 2u);
  EXPECT_EQ(outcome.record_errors[1].batch_index, 1);
  EXPECT_TRUE(outcome.record_errors[1].batch_index_error_message);
}

TEST_F(Produce, AMessageThatEndsTooEarlyClosesTheConnection) {
  start();
  protocol::Encoder encoder;
  base::Bytes records = batch();
  auto request = produce_request("t", records);
  ASSERT_TRUE(protocol::encode_request(encoder, request, kProduce, kCorrelation, "test"));
  base::Bytes frame = encoder.take();
  for (size_t cut : {size_t{1}, records.size() / 2, records.size() + 10}) {
    uint64_t sequence = send_frame(base::ByteView(frame).subspan(4, frame.size() - 4 - cut));
    EXPECT_NE(closed(sequence).find("malformed ProduceRequest"), std::string::npos) << cut;
  }
}

// ---- what may take long is done by workers

TEST_F(Produce, PlainRecordsAreAppendedAtOnceAndCompressedOnesByAWorker) {
  start();
  create_topic("t");
  base::Bytes plain = batch(), packed = batch(5, records::Codec::kZstd);
  uint64_t at_once = send(produce_request("t", plain), kProduce);
  EXPECT_TRUE(answered(at_once));
  EXPECT_FALSE(connection_->holds_next);
  uint64_t later = send(produce_request("t", packed), kProduce);
  EXPECT_TRUE(std::exchange(connection_->holds_next, false)) << "what follows must wait for it";
  run_without_workers();
  EXPECT_FALSE(answered(later));
  EXPECT_EQ(node_->logs().get("t", 0)->log_end_offset(), 1);
  run();
  auto response = answer<ProduceResponse>(later, kProduce);
  EXPECT_EQ(response.responses[0].partition_responses[0].base_offset, 1);
  EXPECT_EQ(node_->logs().get("t", 0)->log_end_offset(), 6);
}

TEST_F(Produce, WhatRecompressesFlushesOrIsLargeGoesToAWorkerToo) {
  start("message.max.bytes=4000000\n");
  create_topic("packed", 1, {{"compression.type", "lz4"}});
  create_topic("flushed", 1, {{"flush.messages", "1"}});
  create_topic("plain");
  base::Bytes small = batch();
  records::BatchBuilder builder({});
  std::string value(3'000'000, 'x');
  builder.append(clock_.wall_ms(), std::nullopt, base::as_bytes(value));
  base::Bytes large = builder.build(codecs_);
  auto takes_a_worker = [&](const std::string& topic, const base::Bytes& records) {
    uint64_t sequence = send(produce_request(topic, records), kProduce);
    connection_->holds_next = false;
    run_without_workers();
    bool waited = !answered(sequence);
    run();
    EXPECT_EQ(errors(answer<ProduceResponse>(sequence, kProduce)), std::vector{ErrorCode::kNone});
    return waited;
  };
  EXPECT_TRUE(takes_a_worker("packed", small));
  EXPECT_TRUE(takes_a_worker("flushed", small));
  EXPECT_TRUE(takes_a_worker("plain", large));
  EXPECT_FALSE(takes_a_worker("plain", small));
}

TEST_F(Produce, AWorkersFailureWithoutAcksClosesToo) {
  start();
  create_topic("t");
  base::Bytes packed = batch(2, records::Codec::kGzip);
  packed.back() ^= 1;
  ProduceRequest request = produce_request("t", packed);
  request.acks = 0;
  uint64_t sequence = send(request, kProduce);
  EXPECT_FALSE(answered(sequence));
  run();
  EXPECT_NE(closed(sequence), "");
}

}  // namespace
}  // namespace longhaul::broker::handlers
