// What holds for every message in every version.
#include <gtest/gtest.h>

#include "protocol/reflection/message_type.h"

namespace longhaul::protocol {
namespace {

template <class Check>
void for_every_version(Check check) {
  for (const MessageType& type : message_types()) {
    for (int16_t version = type.min_version; version <= type.max_version; ++version) {
      SCOPED_TRACE(std::string(type.name) + " version " + std::to_string(version));
      check(type, version);
    }
  }
}

base::Bytes encoded_default(const MessageType& type, int16_t version) {
  Encoder encoder;
  auto result = type.make()->encode(encoder, version);
  EXPECT_TRUE(result) << result.error().message;
  return encoder.take();
}

TEST(Messages, DefaultsComeBackFromEveryVersion) {
  size_t count = 0;
  for_every_version([&](const MessageType& type, int16_t version) {
    base::Bytes bytes = encoded_default(type, version);
    base::Reader reader(bytes);
    auto decoded = type.decode(reader, version);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(reader.remaining(), 0u);
    EXPECT_TRUE((*decoded)->equals(*type.make()));
    ++count;
  });
  EXPECT_GT(count, 700u);
}

TEST(Messages, SizesAreExact) {
  for_every_version([](const MessageType& type, int16_t version) {
    EXPECT_EQ(type.make()->encoded_size(version), encoded_default(type, version).size());
  });
}

TEST(Messages, EveryShorterFrameIsRefused) {
  for_every_version([](const MessageType& type, int16_t version) {
    base::Bytes bytes = encoded_default(type, version);
    for (size_t size = 0; size < bytes.size(); ++size) {
      base::Reader reader(base::ByteView(bytes).first(size));
      EXPECT_FALSE(type.decode(reader, version)) << size;
      EXPECT_FALSE(reader.ok());
    }
  });
}

TEST(Messages, OtherVersionsAreUnsupported) {
  for (const MessageType& type : message_types()) {
    for (int version : {type.min_version - 1, type.max_version + 1, -1, 32767}) {
      base::Bytes bytes(64);
      base::Reader reader(bytes);
      auto decoded = type.decode(reader, static_cast<int16_t>(version));
      ASSERT_FALSE(decoded);
      EXPECT_EQ(decoded.error().code, base::Errc::kUnsupported);
      Encoder encoder;
      EXPECT_FALSE(type.make()->encode(encoder, static_cast<int16_t>(version)));
    }
  }
}

TEST(Messages, ReadersStandBehindWhatWasDecoded) {
  for_every_version([](const MessageType& type, int16_t version) {
    base::Bytes bytes = encoded_default(type, version);
    bytes.push_back(0x77);
    base::Reader reader(bytes);
    ASSERT_TRUE(type.decode(reader, version));
    EXPECT_EQ(base::to_hex(reader.rest()), "77");
  });
}

}  // namespace
}  // namespace longhaul::protocol
