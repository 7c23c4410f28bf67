// Lengths and counts that lie.
#include <gtest/gtest.h>

#include "protocol/messages/create_topics.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/produce.h"
#include "protocol/messages/sasl_authenticate.h"
#include "tests/protocol/bytes_of.h"

namespace longhaul::protocol {
namespace {

template <class Message>
std::string problem(const std::string& hex, int16_t version) {
  base::Bytes bytes = bytes_of(hex);
  auto decoded = Message::decode(base::ByteView(bytes), version);
  if (decoded) return "none";
  EXPECT_EQ(decoded.error().code, base::Errc::kCorrupt);
  return decoded.error().message;
}

TEST(Hostile, CountsAboveTheBytesLeft) {
  EXPECT_EQ(problem<MetadataRequest>("7fffffff 0000", 1),
            "MetadataRequest version 1: topics: count is more than the bytes left could hold");
  EXPECT_NE(problem<MetadataRequest>("00000002 0000 00", 1), "none");
  EXPECT_NE(problem<MetadataRequest>("ffffffff0f 00 00 00", 9), "none");
  EXPECT_NE(problem<MetadataRequest>("05 00 00 00 00", 9), "none");
}

TEST(Hostile, CountsOfNestedArrays) {
  EXPECT_EQ(problem<FetchRequest>("ffffffff 00000000 00000000 00000000 00"
                                  "00000001 0001 74 7fffffff 00000000",
                                  4),
            "FetchRequest version 4: partitions: count is more than the bytes left could hold");
}

TEST(Hostile, CountsOfPrimitiveArrays) {
  // One topic, one assignment, and 2^30 brokers in it.
  EXPECT_EQ(problem<CreateTopicsRequest>("00000001 0001 74 00000001 0001"
                                         "00000001 00000000 40000000 00000000",
                                         2),
            "CreateTopicsRequest version 2: broker_ids: count is more than the bytes left could "
            "hold");
}

TEST(Hostile, LengthsOfStringsAndBytes) {
  EXPECT_EQ(problem<MetadataRequest>("00000001 7fff 00", 1),
            "MetadataRequest version 1: name: length is more than the bytes left");
  EXPECT_EQ(problem<SaslAuthenticateRequest>("7fffffff 00", 0),
            "SaslAuthenticateRequest version 0: auth_bytes: length is more than the bytes left");
  EXPECT_NE(problem<SaslAuthenticateRequest>("ffffffff0f 00", 2), "none");
  EXPECT_EQ(problem<SaslAuthenticateRequest>("ffffffff", 0),
            "SaslAuthenticateRequest version 0: auth_bytes: is null, which this version does not "
            "allow");
}

TEST(Hostile, CompactStringsKeepKafkasLimit) {
  Encoder encoder;
  base::Writer writer;
  writer.unsigned_varint(32768 + 1);
  writer.bytes(base::Bytes(32768, 'x'));
  base::Writer frame;
  frame.unsigned_varint(2);
  frame.bytes(writer.view());
  frame.bytes(bytes_of("00 00 00 00 00"));
  auto decoded = MetadataRequest::decode(frame.view(), 9);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message,
            "MetadataRequest version 9: name: string is longer than 32767 bytes");
}

TEST(Hostile, LengthsOfRecords) {
  EXPECT_EQ(problem<ProduceRequest>("ffff 0001 00000000 00000001 0001 74"
                                    "00000001 00000000 7fffffff 00",
                                    3),
            "ProduceRequest version 3: records: length is more than the bytes left");
}

TEST(Hostile, VarintsOfMoreThanFiveBytes) {
  EXPECT_EQ(problem<MetadataRequest>("8080808080808001", 9),
            "MetadataRequest version 9: ends early or holds a malformed varint");
}

TEST(Hostile, NegativeLengthsAreNullAsInKafka) {
  EXPECT_EQ(problem<ProduceRequest>("8000 0001 00000000 00000000", 3), "none");
  EXPECT_NE(problem<ProduceRequest>("ffff 0001 00000000 80000000", 3), "none");
}

}  // namespace
}  // namespace longhaul::protocol
