// What a frame can make a decoder allocate. This program counts what operator new gives away.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "protocol/reflection/message_type.h"
#include "protocol/wire.h"

namespace {
size_t allocated = 0;
}

// Not inlined: the compiler would then see malloc and free in the place of a matching pair.
[[gnu::noinline]] void* operator new(size_t size) {
  allocated += size;
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace longhaul::protocol {
namespace {

/// All that was ever allocated while decoding, freed or not: an array that grows by doubling
/// allocates up to four times what it needs (it may be half empty), and each level of nesting may
/// begin an array on the word of its count alone.
constexpr size_t limit(size_t frame) {
  return 4 * wire::kMaxGrowth * frame + 8 * wire::kMaxReserve;
}

size_t allocated_by(const MessageType& type, int16_t version, base::ByteView frame) {
  allocated = 0;
  base::Reader reader(frame);
  auto message = type.decode(reader, version);
  return allocated;
}

void check_every_decoder(base::ByteView frame) {
  for (const MessageType& type : message_types())
    for (int16_t version = type.min_version; version <= type.max_version; ++version)
      ASSERT_LE(allocated_by(type, version, frame), limit(frame.size())) << type.name << version;
}

TEST(Allocation, FramesOfOneByteRepeated) {
  for (int byte : {0x00, 0x01, 0x02, 0x03, 0x04, 0x10, 0x7f, 0x80, 0xff})
    check_every_decoder(base::Bytes(20000, static_cast<uint8_t>(byte)));
}

TEST(Allocation, FramesWithLargeCountsInThem) {
  base::Bytes frame;
  while (frame.size() < 20000) {
    for (uint8_t byte : {0x00, 0x00, 0x10, 0x00, 0x01, 0x01, 0x80, 0x20}) frame.push_back(byte);
  }
  for (size_t from = 0; from < 8; ++from) check_every_decoder(base::ByteView(frame).subspan(from));
}

TEST(Allocation, ACountAloneCostsLittle) {
  const MessageType& type = *find_message_type("MetadataRequest");
  base::Bytes frame(10 << 20, 0x80);  // 10 MiB
  for (uint8_t& byte : std::span(frame).first(4)) byte = 0;
  frame[1] = 0x4f;  // 5 million topics, of which the first one is broken
  EXPECT_LE(allocated_by(type, 1, frame), 2 * wire::kMaxReserve);
}

}  // namespace
}  // namespace longhaul::protocol
