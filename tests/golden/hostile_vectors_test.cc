// The vectors cut short and with bytes changed: an error or a message, never anything else.
#include <gtest/gtest.h>

#include <vector>

#include "protocol/reflection/message_type.h"
#include "tests/golden/loaded_vectors.h"

namespace longhaul::golden {
namespace {

/// What decodes must encode again, and to what decodes to the same bytes once more.
void check_decodable(const protocol::MessageType& type, int16_t version, base::ByteView bytes) {
  base::Reader reader(bytes);
  auto message = type.decode(reader, version);
  if (!message) return;
  protocol::Encoder first;
  auto encoded = (*message)->encode(first, version);
  ASSERT_TRUE(encoded) << encoded.error().message;
  base::Reader again(first.view());
  auto second_message = type.decode(again, version);
  ASSERT_TRUE(second_message) << second_message.error().message;
  protocol::Encoder second;
  ASSERT_TRUE((*second_message)->encode(second, version));
  ASSERT_EQ(base::to_hex(first.view()), base::to_hex(second.view()));
}

TEST(HostileVectors, EveryPrefixIsRefused) {
  for (const Vector& vector : vectors()) {
    const auto* type = protocol::find_message_type(vector.message);
    for (size_t size = 0; size < vector.bytes.size(); ++size) {
      base::Reader reader(base::ByteView(vector.bytes).first(size));
      ASSERT_FALSE(type->decode(reader, vector.version)) << vector.message << " " << size;
    }
  }
}

TEST(HostileVectors, ChangedBytesAreRefusedOrDecode) {
  for (const Vector& vector : vectors()) {
    SCOPED_TRACE(vector.message + " " + std::to_string(vector.version));
    const auto* type = protocol::find_message_type(vector.message);
    base::Bytes bytes = vector.bytes;
    for (size_t at = 0; at < std::min<size_t>(bytes.size(), 200); ++at) {
      uint8_t old = bytes[at];
      for (uint8_t other : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
        bytes[at] = other;
        check_decodable(*type, vector.version, bytes);
      }
      bytes[at] = old;
    }
  }
}

}  // namespace
}  // namespace longhaul::golden
