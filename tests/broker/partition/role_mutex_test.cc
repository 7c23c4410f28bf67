#include "broker/partition/role_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace longhaul::broker::partition {
namespace {

TEST(RoleMutex, ReadersThatComeAfterAWriterWaitForIt) {
  RoleMutex mutex;
  int written = 0;
  mutex.lock_shared();
  std::thread writer([&] {
    std::lock_guard lock(mutex);
    written = 1;
  });
  // Readers get in beside us until the writer waits; from then on none does.
  while (mutex.try_lock_shared()) mutex.unlock_shared();
  std::thread reader([&] {
    std::shared_lock lock(mutex);
    EXPECT_EQ(written, 1);
  });
  EXPECT_EQ(written, 0) << "we still read";
  mutex.unlock_shared();
  writer.join();
  reader.join();
  EXPECT_TRUE(mutex.try_lock_shared());
  mutex.unlock_shared();
}

TEST(RoleMutex, AWriterIsNotStarvedByManyReaders) {
  constexpr int kWrites = 200;
  RoleMutex mutex;
  int first = 0, second = 0;
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        std::shared_lock lock(mutex);
        EXPECT_EQ(first, second);
      }
    });
  }
  for (int i = 0; i < kWrites; ++i) {
    std::lock_guard lock(mutex);
    ++first;
    ++second;
  }
  done = true;
  for (std::thread& each : readers) each.join();
  EXPECT_EQ(second, kWrites);
}

}  // namespace
}  // namespace longhaul::broker::partition
