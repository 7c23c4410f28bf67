// The parts of compaction one by one: keys, transactions, the throttle.
#include <gtest/gtest.h>

#include "broker/log/cleaned_transactions.h"
#include "broker/log/offset_map.h"
#include "broker/log/throttle.h"
#include "tests/broker/log/log_fixture.h"

namespace longhaul::broker::log {
namespace {

base::ByteView bytes_of_key(const std::string& key) { return base::as_bytes(key); }

TEST(OffsetMap, RemembersTheLastOffsetOfEachKey) {
  base::SeededRandom random(1);
  OffsetMap map(3000, 0.9, random);
  for (int64_t round = 0; round < 2; ++round) {
    for (int64_t i = 0; i < 2000; ++i) {
      ASSERT_TRUE(map.put(bytes_of_key("key-" + std::to_string(i)), round * 2000 + i));
    }
  }
  EXPECT_EQ(map.size(), 2000u);
  for (int64_t i = 0; i < 2000; ++i) {
    EXPECT_EQ(map.get(bytes_of_key("key-" + std::to_string(i))), 2000 + i);
  }
  EXPECT_EQ(map.get(bytes_of_key("key-2000")), -1);
  EXPECT_EQ(map.get(bytes_of_key("")), -1);
}

TEST(OffsetMap, KeysThatDifferOnlyInLengthOrTheirLastByteAreOthers) {
  base::SeededRandom random(2);
  OffsetMap map(64, 0.5, random);
  std::vector<std::string> keys = {"",
                                   std::string(1, '\0'),
                                   std::string(8, '\0'),
                                   std::string(9, '\0'),
                                   "12345678",
                                   "123456789",
                                   "12345679"};
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_TRUE(map.put(bytes_of_key(keys[i]), static_cast<int64_t>(i)));
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(map.get(bytes_of_key(keys[i])), static_cast<int64_t>(i));
  }
}

TEST(OffsetMap, RefusesMoreKeysThanItsLoadFactorAllows) {
  base::SeededRandom random(3);
  OffsetMap map(10, 0.5, random);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(map.put(bytes_of_key(std::to_string(i)), i));
  EXPECT_FALSE(map.put(bytes_of_key("one more"), 9));
  EXPECT_EQ(map.get(bytes_of_key("one more")), -1);
  EXPECT_TRUE(map.put(bytes_of_key("3"), 9)) << "a key that is there takes no room";
}

records::BatchHeader batch_of_producer(int64_t producer_id, int64_t offset) {
  records::BatchHeader header;
  header.base_offset = offset;
  header.producer_id = producer_id;
  header.record_count = 1;
  header.attributes = records::kTransactionalBit;
  return header;
}

TEST(CleanedTransactions, WhatWasAbortedGoesAndItsMarkerStaysIndexedMeanwhile) {
  AbortedTransaction aborted{7, 10, 14, 15};
  CleanedTransactions seen({aborted, aborted});
  EXPECT_FALSE(seen.see_records(batch_of_producer(8, 9)));
  EXPECT_TRUE(seen.see_records(batch_of_producer(7, 10)));
  EXPECT_FALSE(seen.see_records(batch_of_producer(8, 11)));
  EXPECT_TRUE(seen.see_records(batch_of_producer(7, 12)));
  auto marker = seen.see_marker(batch_of_producer(7, 14), EndMarker{false, 0});
  EXPECT_FALSE(marker.is_last);
  EXPECT_EQ(marker.aborted, aborted);
  EXPECT_FALSE(seen.see_records(batch_of_producer(7, 15))) << "its next transaction is another";
}

TEST(CleanedTransactions, AMarkerIsTheLastOnceNoRecordsAreLeft) {
  CleanedTransactions seen({{7, 10, 14, 15}});
  EXPECT_TRUE(seen.see_marker(batch_of_producer(7, 14), EndMarker{false, 0}).is_last);
  EXPECT_TRUE(seen.see_marker(batch_of_producer(8, 16), EndMarker{true, 0}).is_last);
  seen.see_records(batch_of_producer(8, 17));
  EXPECT_FALSE(seen.see_marker(batch_of_producer(8, 18), EndMarker{true, 0}).is_last);
  EXPECT_TRUE(seen.see_marker(batch_of_producer(8, 19), EndMarker{true, 0}).is_last);
}

TEST(CleanedTransactions, OtherControlBatchesAreNeverTheLastButEmptyOnesAre) {
  CleanedTransactions seen({});
  auto header = batch_of_producer(-1, 3);
  EXPECT_FALSE(seen.see_marker(header, std::nullopt).is_last);
  header.record_count = 0;
  EXPECT_TRUE(seen.see_marker(header, std::nullopt).is_last);
}

TEST(Throttle, WaitsAsLongAsTheWorkMayTake) {
  using std::chrono::microseconds;
  HandClock clock;
  std::vector<microseconds> pauses;
  Throttle throttle(clock, 1000, [&](microseconds pause) {
    pauses.push_back(pause);
    return true;
  });
  EXPECT_TRUE(throttle.pace(500));
  EXPECT_TRUE(throttle.pace(500));  // as if no time had passed: the second has to wait for both
  clock.now_ms += 10'000;
  EXPECT_TRUE(throttle.pace(100));
  EXPECT_EQ(pauses, (std::vector<microseconds>{microseconds(500'000), microseconds(1'000'000),
                                               microseconds(100'000)}));
}

TEST(Throttle, NoRateIsNoLimit) {
  HandClock clock;
  std::chrono::microseconds longest{};
  Throttle throttle(clock, 0, [&](auto pause) {
    longest = std::max(longest, pause);
    return true;
  });
  EXPECT_TRUE(throttle.pace(1 << 20));
  EXPECT_EQ(longest.count(), 0);
}

TEST(Throttle, WhoWaitsGoesOnByANewRate) {
  HandClock clock;
  Throttle* changed = nullptr;
  int64_t waited_ms = 0;
  Throttle throttle(clock, 1, [&](std::chrono::microseconds pause) {
    waited_ms += std::chrono::duration_cast<std::chrono::milliseconds>(pause).count();
    changed->set_rate(1000);
    return true;
  });
  changed = &throttle;
  EXPECT_TRUE(throttle.pace(600));
  EXPECT_LE(waited_ms, 1000) << "and not ten minutes";
  waited_ms = 0;
  EXPECT_TRUE(throttle.pace(2500));
  EXPECT_EQ(waited_ms, 2500);
}

TEST(Throttle, EndsTheWorkWhenThePauseSaysSo) {
  HandClock clock;
  Throttle throttle(clock, 1000, [](auto) { return false; });
  EXPECT_TRUE(throttle.pace(9)) << "too little to ask";
  auto paced = throttle.pace(1);
  ASSERT_FALSE(paced);
  EXPECT_EQ(paced.error().code, base::Errc::kCancelled);
}

}  // namespace
}  // namespace longhaul::broker::log
