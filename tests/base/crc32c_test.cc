#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>

namespace longhaul::base {
namespace {

Bytes pseudo_random(size_t size, uint32_t seed) {
  std::mt19937 engine(seed);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(engine());
  return bytes;
}

// RFC 3720, appendix B.4, and the check value of the algorithm's registry entry.
TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c({}), 0u);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c(Bytes(32, 0)), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, 0xff)), 0x62a8ab43u);
  Bytes rising(32);
  for (size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
}

TEST(Crc32c, HardwareAndTablesAgreeAtEveryLengthAndAlignment) {
  if (!crc32c_has_hardware()) GTEST_SKIP() << "no CRC instruction here";
  Bytes bytes = pseudo_random(40'000, 1);
  for (size_t start = 0; start < 8; ++start) {
    for (size_t size = 0; size < 2'500; size += (size < 300 ? 1 : 37)) {
      ByteView view = ByteView(bytes).subspan(start, size);
      ASSERT_EQ(crc32c_extend_hardware(7, view), crc32c_extend_tables(7, view)) << size;
    }
    ByteView large = ByteView(bytes).subspan(start, 39'000 + start);
    ASSERT_EQ(crc32c_extend_hardware(0, large), crc32c_extend_tables(0, large));
  }
}

TEST(Crc32c, ExtendsFromAnyCut) {
  Bytes bytes = pseudo_random(1'000, 2);
  uint32_t whole = crc32c(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    ByteView view(bytes);
    ASSERT_EQ(crc32c_extend(crc32c(view.first(cut)), view.subspan(cut)), whole);
  }
}

TEST(Crc32c, ShiftFoldsAChangedPrefixIn) {
  for (size_t tail : {0, 1, 7, 1'000, 300'000}) {
    Bytes before = pseudo_random(40 + tail, 3);
    Bytes after = before;
    after[5] ^= 0x55;
    after[39] ^= 0x01;
    uint32_t difference = crc32c(ByteView(before).first(40)) ^ crc32c(ByteView(after).first(40));
    EXPECT_EQ(crc32c(before) ^ crc32c_shift(difference, tail), crc32c(after)) << tail;
  }
}

}  // namespace
}  // namespace longhaul::base
