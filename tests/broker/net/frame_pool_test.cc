#include "broker/net/frame_pool.h"

#include <gtest/gtest.h>

namespace longhaul::broker::net {
namespace {

struct Counter final : FramePool::Waiter {
  void memory_freed() override { ++told; }
  int told = 0;
};

TEST(FramePool, GrantsWhileLessThanTheLimitIsOut) {
  FramePool pool(1000);
  FrameBuffer a = pool.acquire(600), b = pool.acquire(600);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(pool.used(), 1200u);
  EXPECT_TRUE(pool.exhausted());
  EXPECT_FALSE(pool.acquire(1));
  EXPECT_TRUE(pool.acquire(1, true)) << "what is in memory already";
  a = {};
  EXPECT_FALSE(pool.exhausted());
  EXPECT_TRUE(pool.acquire(1));
}

TEST(FramePool, OneFrameIsAlwaysGranted) {
  FramePool pool(100);
  base::Bytes bytes(500);
  FrameBuffer stash = pool.stash(bytes);
  FrameBuffer frame = pool.acquire(5000);
  EXPECT_TRUE(frame) << "or those who hold what they have read would wait for each other";
  EXPECT_FALSE(pool.acquire(5000));
}

TEST(FramePool, TellsWaitersOneByOneInTheirOrder) {
  FramePool pool(100);
  auto first = std::make_shared<Counter>(), gone = std::make_shared<Counter>(),
       second = std::make_shared<Counter>();
  FrameBuffer all = pool.acquire(100);
  pool.wait(first, false);
  pool.wait(gone, false);
  pool.wait(second, false);
  gone.reset();
  EXPECT_EQ(first->told, 0);
  all = {};
  EXPECT_EQ(first->told, 1);
  EXPECT_EQ(second->told, 0);
  EXPECT_TRUE(pool.exhausted()) << "newcomers stand behind those who wait";
  pool.wake_next();
  EXPECT_EQ(second->told, 1);
  EXPECT_FALSE(pool.has_waiters());
  EXPECT_FALSE(pool.exhausted());
}

TEST(FramePool, WaitingWithMemoryThereIsToldAtOnce) {
  FramePool pool(100);
  auto waiter = std::make_shared<Counter>();
  pool.wait(waiter, false);
  EXPECT_EQ(waiter->told, 1);
}

TEST(FramePool, WhoHoldsAStashGoesFirstAndEvenAboveTheLimit) {
  FramePool pool(100);
  base::Bytes bytes(500);
  FrameBuffer stash = pool.stash(bytes), frame = pool.acquire(5000);
  auto reader = std::make_shared<Counter>(), holder = std::make_shared<Counter>();
  pool.wait(reader, false);
  pool.wait(holder, true);
  frame = {};
  EXPECT_EQ(holder->told, 1);
  pool.wake_next();
  EXPECT_EQ(reader->told, 0) << "reading on would only make it worse";
  stash = {};
  EXPECT_EQ(reader->told, 1);
}

TEST(FramePool, BuffersOfEverySizeAreWritableToTheirEndAndUsedAgain) {
  FramePool pool(1 << 30);
  for (size_t size = 1; size <= 9'000'000; size = size * 5 / 4 + 1) {
    uint8_t* first;
    {
      FrameBuffer buffer = pool.acquire(size);
      ASSERT_EQ(buffer.size(), size);
      buffer.data()[0] = 1;
      buffer.data()[size - 1] = 2;
      first = buffer.data();
    }
    if (size >= 4096 && size <= 1 << 20) {
      FrameBuffer again = pool.acquire(size);
      EXPECT_EQ(again.data(), first) << size;
    }
    EXPECT_LE(pool.cached(), 8u * 1024 * 1024);
  }
  EXPECT_EQ(pool.used(), 0u);
}

TEST(FrameBuffer, ACopyBelongsToNoPool) {
  base::Bytes bytes = {1, 2, 3};
  FrameBuffer copy = FrameBuffer::copy_of(bytes);
  FrameBuffer moved = std::move(copy);
  EXPECT_FALSE(copy);  // NOLINT: what a moved-from buffer is, is promised
  EXPECT_TRUE(std::ranges::equal(moved.view(), bytes));
  EXPECT_TRUE(FrameBuffer::copy_of({}));
}

}  // namespace
}  // namespace longhaul::broker::net
