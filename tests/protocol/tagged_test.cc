// Tagged fields (KIP-482).
#include <gtest/gtest.h>

#include "protocol/messages/api_versions.h"
#include "protocol/messages/consumer_group_member_metadata_value.h"
#include "protocol/messages/partition_change_record.h"
#include "protocol/messages/response_header.h"
#include "tests/protocol/bytes_of.h"

namespace longhaul::protocol {
namespace {

/// A response of version 3 without tagged fields, up to the count of them.
const std::string kHead = "0000 01 00000000 ";

base::Result<ApiVersionsResponse> decode(const std::string& hex) {
  base::Bytes bytes = bytes_of(kHead + hex);
  return ApiVersionsResponse::decode(base::ByteView(bytes), 3);
}

TEST(Tagged, DefaultsAreNotWritten) {
  Encoder encoder;
  ASSERT_TRUE(ApiVersionsResponse().encode(encoder, 3));
  EXPECT_EQ(base::to_hex(encoder.view()), "0000010000000000");
}

TEST(Tagged, ValuesAreWrittenInTheOrderOfTheirTags) {
  PartitionChangeRecord record;
  record.directories = std::vector<base::Uuid>();
  record.last_known_elr = std::vector<int32_t>();
  record.isr = std::vector<int32_t>{5};
  Encoder encoder;
  ASSERT_TRUE(record.encode(encoder, 2));
  EXPECT_EQ(base::to_hex(encoder.view().subspan(20)),
            "03"
            "000502"
            "00000005"
            "070101"
            "080101");
  EXPECT_EQ(*PartitionChangeRecord::decode(encoder.view(), 2), record);
}

TEST(Tagged, KnownFieldsAreRead) {
  auto response = decode("01 01 08 000000000000002a");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->finalized_features_epoch, 42);
}

TEST(Tagged, UnknownFieldsAreSkipped) {
  auto response = decode("03 01 08 000000000000002a 2a 03 ffffff ffffffff0f 00");
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->finalized_features_epoch, 42);
}

TEST(Tagged, FieldsOfLaterVersionsAreSkippedAsUnknown) {
  // Tag 8 (directories) exists from version 1 on.
  base::Bytes bytes = bytes_of("00000000 00000000000000000000000000000000 01 08 01 01");
  auto record = PartitionChangeRecord::decode(base::ByteView(bytes), 0);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->directories, std::nullopt);
}

TEST(Tagged, AFieldMustFillItsSize) {
  EXPECT_FALSE(decode("01 01 09 000000000000002a ff"));
  EXPECT_FALSE(decode("01 01 07 0000000000002a"));
  EXPECT_FALSE(decode("01 00 00"));
}

TEST(Tagged, SizesAndCountsBeyondTheFrameAreRefused) {
  EXPECT_FALSE(decode("01 2a 7f 00"));
  EXPECT_FALSE(decode("01 2a ffffffff0f 00"));
  EXPECT_FALSE(decode("ffffffff0f 2a 00"));
  EXPECT_FALSE(decode("02 2a 00"));
  EXPECT_FALSE(decode("01"));
  EXPECT_FALSE(decode("ffffffffff"));
}

TEST(Tagged, MessagesWithoutTagsOfTheirOwnSkipThemToo) {
  base::Bytes bytes = bytes_of("00000001 02 00 01 ff 05 00");
  EXPECT_TRUE(ResponseHeader::decode(base::ByteView(bytes), 1));
  bytes = bytes_of("00000001 02 00 01 ff 05 01");
  EXPECT_FALSE(ResponseHeader::decode(base::ByteView(bytes), 1));
}

TEST(Tagged, ANullableStructHasAVarintInFront) {
  ConsumerGroupMemberMetadataValue value;
  value.classic_member_metadata = std::nullopt;  // its default is an empty struct
  Encoder encoder;
  ASSERT_TRUE(value.encode(encoder, 0));
  EXPECT_EQ(base::to_hex(encoder.view().last(4)), "01000100");
  EXPECT_EQ(*ConsumerGroupMemberMetadataValue::decode(encoder.view(), 0), value);
}

}  // namespace
}  // namespace longhaul::protocol
