#include "broker/net/output_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "base/memory_file_system.h"
#include "base/random.h"
#include "tests/broker/net/fixtures.h"

namespace longhaul::broker::net {
namespace {

class OutputQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    content_.resize(5000);
    std::iota(content_.begin(), content_.end(), uint8_t{0});
    auto opened = disk_.open("segment", base::OpenMode::kCreate);
    ASSERT_TRUE(opened);
    ASSERT_TRUE((*opened)->write_at(0, content_));
    file_ = std::move(*opened);
  }

  base::FileSlice slice(uint64_t offset, uint64_t size) { return {file_, offset, size}; }

  /// What `response` looks like on the wire.
  base::Bytes wire(const Response& response) {
    base::Bytes bytes;
    size_t at = 0;
    for (const Response::Splice& splice : response.splices) {
      append(bytes, base::ByteView(response.head).subspan(at, splice.position - at));
      append(bytes, base::ByteView(content_).subspan(splice.slice.offset, splice.slice.size));
      at = splice.position;
    }
    append(bytes, base::ByteView(response.head).subspan(at));
    return bytes;
  }

  base::MemoryFileSystem disk_;
  base::Bytes content_;
  std::shared_ptr<const base::File> file_;
};

TEST_F(OutputQueueTest, GathersOverResponsesUpToAFileRange) {
  OutputQueue queue;
  queue.push({{1, 2, 3}, {}});
  queue.push({{4, 5}, {{1, slice(10, 7)}}});
  queue.push({{6}, {}});
  EXPECT_EQ(queue.bytes_in_memory(), 6u);
  std::array<base::ByteView, 8> parts;
  ASSERT_EQ(queue.gather(parts), 2u);
  EXPECT_EQ(parts[0].size(), 3u);
  EXPECT_EQ(parts[1].size(), 1u);
  EXPECT_EQ(queue.file_range().size, 0u) << "memory comes first";
  queue.consumed(4);
  EXPECT_EQ(queue.count(), 2u);
  EXPECT_EQ(queue.gather(parts), 0u);
  EXPECT_EQ(queue.file_range().offset, 10u);
  queue.consumed(3);
  EXPECT_EQ(queue.file_range().offset, 13u);
  EXPECT_EQ(queue.file_range().size, 4u);
  queue.consumed(4);
  ASSERT_EQ(queue.gather(parts), 2u);
  queue.consumed(2);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes_in_memory(), 0u);
}

TEST_F(OutputQueueTest, SlicesAtBothEndsNextToEachOtherAndEmpty) {
  Response response;
  response.head = {7, 8};
  response.splices = {{0, slice(0, 3)}, {0, slice(9, 0)},   {1, slice(100, 2)}, {1, slice(200, 2)},
                      {2, slice(5, 0)}, {2, slice(300, 4)}, {2, slice(0, 0)}};
  base::Bytes wanted = wire(response);
  OutputQueue queue;
  queue.push(response);
  base::Bytes out(100);
  auto got = queue.read(out);
  ASSERT_TRUE(got);
  out.resize(*got);
  EXPECT_EQ(out, wanted);
  EXPECT_TRUE(queue.empty());
}

TEST_F(OutputQueueTest, EmptyResponsesVanish) {
  OutputQueue queue;
  queue.push({});
  EXPECT_TRUE(queue.empty());
  queue.push({{1}, {}});
  queue.push({});
  queue.push({{}, {{0, slice(0, 0)}}});
  queue.consumed(1);
  EXPECT_TRUE(queue.empty());
}

TEST_F(OutputQueueTest, AnySplitOfSendsGivesTheSameBytes) {
  base::SeededRandom random(3);
  for (int round = 0; round < 300; ++round) {
    OutputQueue queue;
    base::Bytes wanted, got;
    for (uint64_t i = 0, n = random.below(5); i < n; ++i) {
      Response response;
      response.head.resize(random.below(20));
      for (uint8_t& byte : response.head) byte = static_cast<uint8_t>(random.next());
      size_t position = 0;
      for (uint64_t s = random.below(4); s > 0; --s) {
        position += random.below(response.head.size() - position + 1);
        response.splices.push_back({position, slice(random.below(4000), random.below(900))});
      }
      append(wanted, wire(response));
      queue.push(std::move(response));
    }
    while (!queue.empty()) {
      base::Bytes block(1 + random.below(64));
      auto size = queue.read(block);
      ASSERT_TRUE(size);
      ASSERT_GT(*size, 0u);
      append(got, base::ByteView(block).first(*size));
    }
    ASSERT_EQ(got, wanted) << round;
    EXPECT_EQ(queue.bytes_in_memory(), 0u);
  }
}

TEST_F(OutputQueueTest, AFileThatShrankIsAnError) {
  OutputQueue queue;
  queue.push({{1}, {{1, slice(4990, 20)}}});
  base::Bytes out(100);
  EXPECT_FALSE(queue.read(out));
}

}  // namespace
}  // namespace longhaul::broker::net
