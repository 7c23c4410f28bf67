#include "protocol/encoder.h"

#include <gtest/gtest.h>

#include "protocol/messages/fetch.h"
#include "tests/protocol/bytes_of.h"

namespace longhaul::protocol {
namespace {

FetchResponse response_with(std::vector<Records> records) {
  FetchResponse response;
  auto& topic = response.responses.emplace_back();
  topic.topic = "t";
  for (const Records& one : records) topic.partitions.emplace_back().records = one;
  return response;
}

TEST(Encoder, RecordsInMemoryAreWrittenWithTheirLength) {
  base::Bytes batch = bytes_of("aabbcc");
  Encoder encoder;
  ASSERT_TRUE(response_with({Records{batch}}).encode(encoder, 4));
  EXPECT_TRUE(encoder.splices().empty());
  EXPECT_EQ(encoder.total_size(), encoder.size());
  EXPECT_EQ(base::to_hex(encoder.view().last(7)), "00000003aabbcc");
}

TEST(Encoder, SplicedRecordsLeaveAHoleOfTheirSize) {
  auto response = response_with({Records{{}, 1000}, Records{{}, 7}});
  Encoder encoder;
  encoder.extend(3);
  ASSERT_TRUE(response.encode(encoder, 12));
  ASSERT_EQ(encoder.splices().size(), 2u);
  EXPECT_EQ(encoder.total_size(), encoder.size() + 1007);
  EXPECT_EQ(response.encoded_size(12), encoder.size() - 3);
  // The length stands right before the hole: 1001 and 8 as compact lengths.
  auto first = encoder.splices()[0];
  EXPECT_EQ(first.size, 1000u);
  EXPECT_EQ(base::to_hex(encoder.view().subspan(first.position - 2, 2)), "e907");
  auto second = encoder.splices()[1];
  EXPECT_EQ(second.size, 7u);
  EXPECT_EQ(base::to_hex(encoder.view().subspan(second.position - 1, 1)), "08");
}

TEST(Encoder, WhatIsSentWithSplicesDecodesLikeWhatIsInMemory) {
  base::Bytes batch(300, 0x5a);
  Encoder spliced;
  ASSERT_TRUE(response_with({Records{{}, 300}, Records{}, Records{{}, 300}}).encode(spliced, 16));
  base::Bytes wire;
  size_t at = 0;
  for (const Splice& splice : spliced.splices()) {
    auto head = spliced.view().subspan(at, splice.position - at);
    wire.insert(wire.end(), head.begin(), head.end());
    wire.insert(wire.end(), batch.begin(), batch.end());
    at = splice.position;
  }
  auto tail = spliced.view().subspan(at);
  wire.insert(wire.end(), tail.begin(), tail.end());

  EXPECT_EQ(wire.size(), spliced.total_size());
  auto decoded = FetchResponse::decode(base::ByteView(wire), 16);
  ASSERT_TRUE(decoded) << decoded.error().message;
  auto expected = response_with({Records{batch}, Records{}, Records{batch}});
  expected.responses[0].topic.clear();  // version 16 has the topic ID instead
  EXPECT_EQ(*decoded, expected);
}

TEST(Encoder, BytesInMemoryGoBeforeWhatIsSpliced) {
  base::Bytes head = bytes_of("0102");
  Encoder encoder;
  ASSERT_TRUE(response_with({Records{head, 10}}).encode(encoder, 4));
  EXPECT_EQ(base::to_hex(encoder.view().last(6)), "0000000c0102");
  EXPECT_EQ(encoder.splices()[0], (Splice{encoder.size(), 10}));
}

TEST(Encoder, RecordsAbove2GiBAreRefusedAndNothingIsLeft) {
  Encoder encoder;
  encoder.extend(5);
  encoder.splice(5, 1);
  auto result = response_with({Records{{}, 100}, Records{{}, 1ull << 31}}).encode(encoder, 4);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::Errc::kInvalidArgument);
  EXPECT_EQ(encoder.size(), 5u);
  EXPECT_EQ(encoder.splices().size(), 1u);
  EXPECT_EQ(encoder.total_size(), 6u);
}

TEST(Encoder, DecodedRecordsAreViewsOfTheFrame) {
  base::Bytes batch = bytes_of("aabbcc");
  Encoder encoder;
  ASSERT_TRUE(response_with({Records{batch}}).encode(encoder, 4));
  auto decoded = FetchResponse::decode(encoder.view(), 4);
  ASSERT_TRUE(decoded);
  auto seen = decoded->responses[0].partitions[0].records->bytes;
  EXPECT_EQ(seen.data(), encoder.view().data() + encoder.size() - 3);
}

TEST(Encoder, ReusesTheBufferItIsGiven) {
  base::Bytes buffer(100, 1);
  const uint8_t* memory = buffer.data();
  Encoder encoder(std::move(buffer));
  EXPECT_EQ(encoder.size(), 0u);
  encoder.extend(10);
  EXPECT_EQ(encoder.view().data(), memory);
}

}  // namespace
}  // namespace longhaul::protocol
