#include "broker/net/timer_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace longhaul::broker::net {
namespace {

TimerQueue::TimePoint at(int ms) { return TimerQueue::TimePoint(std::chrono::milliseconds(ms)); }

TEST(TimerQueue, TakesWhatIsDueInOrder) {
  TimerQueue timers;
  std::string ran;
  timers.add(at(3), [&] { ran += 'c'; });
  timers.add(at(1), [&] { ran += 'a'; });
  timers.add(at(1), [&] { ran += 'b'; });
  EXPECT_EQ(timers.next(), at(1));
  EXPECT_FALSE(timers.take_due(at(0)));
  while (base::Task task = timers.take_due(at(2))) task();
  EXPECT_EQ(ran, "ab");
  EXPECT_EQ(timers.size(), 1u);
}

TEST(TimerQueue, CancelledAndPastTimersAreGone) {
  TimerQueue timers;
  base::TimerId one = timers.add(at(1), [] {}), two = timers.add(at(2), [] {});
  EXPECT_NE(one, 0u);
  EXPECT_TRUE(timers.cancel(one));
  EXPECT_FALSE(timers.cancel(one));
  EXPECT_FALSE(timers.cancel(0));
  EXPECT_FALSE(timers.cancel(12345));
  base::TimerId three = timers.add(at(3), [] {});
  EXPECT_NE(three, one) << "the slot is used again, the name is not";
  EXPECT_FALSE(timers.cancel(one));
  EXPECT_TRUE(timers.take_due(at(2)));
  EXPECT_FALSE(timers.cancel(two));
  EXPECT_TRUE(timers.cancel(three));
  EXPECT_EQ(timers.next(), std::nullopt);
}

TEST(TimerQueue, HoldsItsOrderUnderRandomUse) {
  base::SeededRandom random(7);
  TimerQueue timers;
  std::map<base::TimerId, int> pending;
  int now = 0, last_due = 0;
  for (int i = 0; i < 20000; ++i) {
    switch (random.below(4)) {
      case 0:
      case 1: {
        int due = now + static_cast<int>(random.below(500));
        base::TimerId id = timers.add(at(due), [&last_due, due] { last_due = due; });
        pending[id] = due;
        break;
      }
      case 2:
        if (!pending.empty()) {
          auto some = std::next(pending.begin(), random.below(std::min<size_t>(8, pending.size())));
          ASSERT_TRUE(timers.cancel(some->first));
          pending.erase(some);
        }
        break;
      default:
        now += 3;
        last_due = 0;
        while (base::Task task = timers.take_due(at(now))) {
          int before = last_due;
          task();
          ASSERT_GE(last_due, before);
          ASSERT_LE(last_due, now);
        }
        std::erase_if(pending, [&](const auto& timer) { return timer.second <= now; });
    }
    ASSERT_EQ(timers.size(), pending.size());
  }
}

}  // namespace
}  // namespace longhaul::broker::net
