#include "protocol/frame.h"

#include <gtest/gtest.h>

#include "protocol/messages/api_versions.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/sasl_handshake.h"
#include "tests/protocol/bytes_of.h"

namespace longhaul::protocol {
namespace {

/// What follows the length, which must be right.
base::ByteView content(const Encoder& encoder) {
  base::Reader reader(encoder.view());
  EXPECT_EQ(static_cast<uint64_t>(reader.int32()), encoder.total_size() - 4);
  return reader.rest();
}

TEST(Frame, RequestHeaderOfVersion1) {
  auto request = parse_request(bytes_of("0003 0005 00000007 0002 6162 ff"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->api->key, ApiKey::kMetadata);
  EXPECT_EQ(request->version, 5);
  EXPECT_EQ(request->correlation_id, 7);
}

TEST(Frame, RequestHeaderOfVersion2SkipsItsTaggedFields) {
  base::Bytes frame = bytes_of("0003 0009 00000007 0002 6162  01 2a 02 0000  ff");
  auto request = parse_request(frame);
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->client_id, "ab");
  EXPECT_EQ(base::to_hex(request->body), "ff");
}

TEST(Frame, ClientIdMayBeNullOrEmpty) {
  base::Bytes null_id = bytes_of("0003 0005 00000007 ffff");
  EXPECT_EQ(parse_request(null_id)->client_id, std::nullopt);
  base::Bytes empty_id = bytes_of("0003 0005 00000007 0000");
  EXPECT_EQ(parse_request(empty_id)->client_id, "");
}

TEST(Frame, UnknownApiIsUnsupported) {
  auto request = parse_request(bytes_of("7fff 0000 00000001 ffff"));
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code, base::Errc::kUnsupported);
}

TEST(Frame, EveryShortHeaderIsCorrupt) {
  base::Bytes frame = bytes_of("0003 0009 00000007 0002 6162 01 2a 02 0000");
  for (size_t size = 0; size < frame.size(); ++size) {
    auto request = parse_request(base::ByteView(frame).first(size));
    ASSERT_FALSE(request) << size;
    EXPECT_EQ(request.error().code, base::Errc::kCorrupt);
  }
  EXPECT_TRUE(parse_request(frame));
}

TEST(Frame, ATooNewApiVersionsRequestStillParses) {
  base::Bytes frame = bytes_of("0012 0063 00000007 0002 6162 00 00");
  auto request = parse_request(frame);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->version, 99);
  EXPECT_FALSE(request->api->has_version(request->version));
}

TEST(Frame, RequestsComeBackAsTheyWereEncoded) {
  for (int16_t version : {4, 12, 18}) {
    FetchRequest fetch;
    fetch.max_wait_ms = 500;
    Encoder encoder;
    ASSERT_TRUE(encode_request(encoder, fetch, version, 42, "me"));
    auto request = parse_request(content(encoder));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->api->key, ApiKey::kFetch);
    EXPECT_EQ(request->version, version);
    EXPECT_EQ(request->correlation_id, 42);
    EXPECT_EQ(request->client_id, "me");
    EXPECT_EQ(*FetchRequest::decode(request->body, version), fetch);
  }
}

TEST(Frame, ResponsesComeBackAsTheyWereEncoded) {
  for (int16_t version : {8, 9, 13}) {
    MetadataResponse metadata;
    metadata.cluster_id = "c";
    Encoder encoder;
    ASSERT_TRUE(encode_response(encoder, metadata, version, 42));
    EXPECT_EQ(*peek_correlation_id(content(encoder)), 42);
    auto body = parse_response(content(encoder), *find_api(ApiKey::kMetadata), version);
    ASSERT_TRUE(body);
    EXPECT_EQ(*MetadataResponse::decode(*body, version), metadata);
  }
}

TEST(Frame, ApiVersionsResponseHasNoTaggedFieldsInItsHeader) {
  ApiVersionsResponse response;
  response.error_code = ErrorCode::kUnsupportedVersion;
  for (int16_t version : {0, 4}) {
    Encoder encoder;
    ASSERT_TRUE(encode_response(encoder, response, version, 1));
    EXPECT_EQ(base::to_hex(content(encoder).first(6)), "000000010023");
  }
}

TEST(Frame, ABrokenResponseHeaderIsCorrupt) {
  EXPECT_FALSE(peek_correlation_id(bytes_of("000000")));
  const ApiInfo& metadata = *find_api(ApiKey::kMetadata);
  EXPECT_FALSE(parse_response(bytes_of("00000001"), metadata, 9));
  EXPECT_FALSE(parse_response(bytes_of("00000001 01"), metadata, 9));
  EXPECT_TRUE(parse_response(bytes_of("00000001"), metadata, 8));
}

TEST(Frame, LengthCountsSplicedBytes) {
  FetchResponse response;
  response.responses.emplace_back().partitions.emplace_back().records = Records{{}, 5000};
  Encoder encoder;
  encoder.extend(2);  // a frame need not be the first
  ASSERT_TRUE(encode_response(encoder, response, 12, 1));
  base::Reader reader(encoder.view().subspan(2));
  EXPECT_EQ(static_cast<uint64_t>(reader.int32()), encoder.total_size() - 6);
  EXPECT_EQ(encoder.total_size(), encoder.size() + 5000);
}

TEST(Frame, AFrameAbove2GiBIsDropped) {
  FetchResponse response;
  for (int i = 0; i < 2; ++i)
    response.responses.emplace_back().partitions.emplace_back().records = Records{{}, 1u << 30};
  Encoder encoder;
  encoder.extend(2);
  auto result = encode_response(encoder, response, 12, 1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::Errc::kTooLarge);
  EXPECT_EQ(encoder.total_size(), 2u);
}

TEST(Frame, AMessageThatCannotBeEncodedLeavesNoFrame) {
  Encoder encoder;
  EXPECT_FALSE(encode_request(encoder, SaslHandshakeRequest(), 2, 1, std::nullopt));
  EXPECT_EQ(encoder.size(), 0u);
}

}  // namespace
}  // namespace longhaul::protocol
