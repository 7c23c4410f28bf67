// What a version can carry and what it cannot.
#include <gtest/gtest.h>

#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/partition_change_record.h"
#include "protocol/messages/produce.h"
#include "tests/protocol/bytes_of.h"

namespace longhaul::protocol {
namespace {

template <class Message>
Message round_trip(const Message& message, int16_t version) {
  Encoder encoder;
  auto encoded = message.encode(encoder, version);
  EXPECT_TRUE(encoded) << encoded.error().message;
  EXPECT_EQ(message.encoded_size(version), encoder.size());
  auto decoded = Message::decode(encoder.view(), version);
  EXPECT_TRUE(decoded) << decoded.error().message;
  return decoded.value_or(Message());
}

template <class Message>
std::string refusal(const Message& message, int16_t version) {
  Encoder encoder;
  encoder.extend(1);
  auto encoded = message.encode(encoder, version);
  EXPECT_FALSE(encoded);
  EXPECT_EQ(encoder.size(), 1u);
  return encoded ? "" : encoded.error().message;
}

TEST(Codec, IgnorableFieldsAreDropped) {
  FetchRequest request;
  request.rack_id = "r1";
  EXPECT_EQ(round_trip(request, 11).rack_id, "r1");
  EXPECT_EQ(round_trip(request, 10).rack_id, "");
}

TEST(Codec, OtherFieldsAreRefusedWhereTheyCannotGo) {
  FetchRequest request;
  request.replica_state.replica_epoch = 3;
  EXPECT_EQ(round_trip(request, 15), request);
  EXPECT_EQ(refusal(request, 14),
            "FetchRequest version 14 cannot be encoded: replica_state: has a value that this "
            "version cannot carry");
  request = {};
  request.replica_id = 7;
  EXPECT_EQ(round_trip(request, 14), request);
  EXPECT_NE(refusal(request, 15), "");
}

TEST(Codec, RefusalReachesIntoElements) {
  AddPartitionsToTxnRequest request;
  request.transactions.emplace_back().transactional_id = "t";
  EXPECT_EQ(round_trip(request, 4), request);
  EXPECT_NE(refusal(request, 3), "");
}

TEST(Codec, NullOnlyWhereTheVersionAllowsIt) {
  MetadataRequest request;
  request.topics = std::nullopt;
  EXPECT_EQ(round_trip(request, 1).topics, std::nullopt);
  EXPECT_EQ(round_trip(request, 9).topics, std::nullopt);
  EXPECT_EQ(refusal(request, 0),
            "MetadataRequest version 0 cannot be encoded: topics: is null, which this version does "
            "not allow");
  EXPECT_FALSE(MetadataRequest::decode(bytes_of("ffffffff"), 0));
  EXPECT_TRUE(MetadataRequest::decode(bytes_of("ffffffff"), 1));
}

TEST(Codec, NullElementsOnlyWhereTheVersionAllowsIt) {
  // One topic with a null name: allowed from version 10 on.
  EXPECT_FALSE(MetadataRequest::decode(bytes_of("02 00 00  00 00 00  00"), 9));
  EXPECT_TRUE(MetadataRequest::decode(
      bytes_of("02 00000000000000000000000000000000 00 00  00 00 00  00"), 10));
}

TEST(Codec, DefaultsOfAbsentFieldsAreTheSchemas) {
  auto request = round_trip(JoinGroupRequest(), 0);
  EXPECT_EQ(request.rebalance_timeout_ms, -1);
  EXPECT_EQ(FetchRequest().max_bytes, 0x7fffffff);
  EXPECT_EQ(MetadataRequest().allow_auto_topic_creation, true);
  EXPECT_EQ(ConsumerGroupHeartbeatRequest().subscribed_topic_names, std::nullopt);
  EXPECT_EQ(ProduceResponse::PartitionProduceResponse().log_append_time_ms, -1);
  EXPECT_EQ(FetchRequest::FetchPartition().high_watermark, INT64_MAX);
}

TEST(Codec, ErrorCodesKeepValuesThatWeDoNotKnow) {
  ProduceResponse response;
  auto& partition = response.responses.emplace_back().partition_responses.emplace_back();
  partition.error_code = static_cast<ErrorCode>(999);
  EXPECT_EQ(round_trip(response, 9), response);
}

TEST(Codec, StringsHaveAtMost32767Bytes) {
  FetchRequest request;
  request.rack_id = std::string(32767, 'x');
  EXPECT_EQ(round_trip(request, 11), request);
  EXPECT_EQ(round_trip(request, 12), request);
  request.rack_id += 'x';
  EXPECT_NE(refusal(request, 11), "");
  EXPECT_NE(refusal(request, 12), "");
}

TEST(Codec, StringsAreBytes) {
  FetchRequest request;
  request.rack_id = std::string("\xff\xfe\0\xc0\xaf", 5);  // not UTF-8, and a zero
  EXPECT_EQ(round_trip(request, 12), request);
}

TEST(Codec, MetadataRecordsFillTheirBytes) {
  Encoder encoder;
  ASSERT_TRUE(PartitionChangeRecord().encode(encoder, 2));
  EXPECT_TRUE(PartitionChangeRecord::decode(encoder.view(), 2));
  encoder.extend(1);
  auto decoded = PartitionChangeRecord::decode(encoder.view(), 2);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message, "PartitionChangeRecord version 2: 1 bytes after its end");
}

TEST(Codec, RequestsMayHaveMoreBehindThem) {
  Encoder encoder;
  ASSERT_TRUE(FetchRequest().encode(encoder, 12));
  encoder.extend(3);
  EXPECT_TRUE(FetchRequest::decode(encoder.view(), 12));
}

}  // namespace
}  // namespace longhaul::protocol
