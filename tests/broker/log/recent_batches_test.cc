#include "broker/log/recent_batches.h"

#include "base/random.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

TEST(RecentBatchesTest, FindsWhatItKnowsToBeTheFirst) {
  base::SeededRandom random(1);
  RecentBatches recent;
  EXPECT_FALSE(recent.find(0));
  std::vector<BatchPosition> all;
  BatchPosition batch{.base_offset = 100, .last_offset = 100, .position = 0, .size = 70};
  for (int i = 0; i < 200; ++i) {
    all.push_back(batch);
    recent.add(batch);
    int64_t known_from = all.size() <= RecentBatches::kKept
                             ? all.front().base_offset
                             : all[all.size() - RecentBatches::kKept].base_offset;
    size_t first = 0;
    for (int64_t offset = 90; offset <= batch.last_offset + 1; ++offset) {
      while (first < all.size() && all[first].last_offset < offset) ++first;
      auto found = recent.find(offset);
      if (offset < known_from || first == all.size()) {
        EXPECT_FALSE(found) << offset;
      } else {
        ASSERT_TRUE(found) << offset;
        EXPECT_EQ(all[first].position, found->position) << offset;
        EXPECT_EQ(all[first].size, found->size) << offset;
      }
    }
    // Compaction leaves gaps between the batches that a follower gets.
    batch.base_offset = batch.last_offset + 1 + static_cast<int64_t>(random.below(3));
    batch.last_offset = batch.base_offset + static_cast<int64_t>(random.below(4));
    batch.position += batch.size;
  }
}

TEST(RecentBatchesTest, WhatLiesThereForLongIsForgotten) {
  RecentBatches recent;
  recent.add({.base_offset = 0, .last_offset = 4, .position = 0, .size = 70});
  recent.clear_idle();
  EXPECT_TRUE(recent.find(2));
  recent.clear_idle();
  EXPECT_FALSE(recent.find(2));
}

}  // namespace
}  // namespace longhaul::broker::log
