#include "base/thread_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>

namespace longhaul::base {
namespace {

using std::chrono::microseconds;

/// A timer that is due again as soon as it has run: more work than the loop has time for.
struct Storm {
  ThreadLoop& loop;
  std::atomic<int> rounds = 0;
  void next() {
    ++rounds;
    loop.after(microseconds(0), [this] { next(); });
  }
};

TEST(ThreadLoop, TimersThatAreAlwaysDueDoNotStarveTasks) {
  ThreadLoop loop("storm");
  Storm storm{loop};
  loop.post([&] { storm.next(); });
  std::promise<void> ran;
  loop.post([&] { ran.set_value(); });
  ran.get_future().wait();
  int before = storm.rounds;
  while (storm.rounds == before) std::this_thread::yield();  // and the timers go on
  loop.stop();
}

TEST(ThreadLoop, TasksThatPostThemselvesDoNotStarveTimers) {
  ThreadLoop loop("storm");
  std::function<void()> again = [&] { loop.post([&] { again(); }); };
  loop.post([&] { again(); });
  std::promise<void> ran;
  loop.after(microseconds(1), [&] { ran.set_value(); });
  ran.get_future().wait();
  loop.stop();
}

TEST(ThreadLoop, ACancelledTimerDoesNotRun) {
  ThreadLoop loop("cancel");
  std::promise<bool> cancelled;
  std::atomic<bool> ran = false;
  loop.post([&] {
    TimerId timer = loop.after(microseconds(0), [&] { ran = true; });
    bool first = loop.cancel(timer);
    cancelled.set_value(first && !loop.cancel(timer));
  });
  EXPECT_TRUE(cancelled.get_future().get());
  std::promise<void> later;
  loop.after(microseconds(1), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(ran);
}

TEST(WorkerPool, RunsWhatItIsGivenAndNothingAfterItStops) {
  WorkerPool pool("pool", 2);
  std::atomic<int> sum = 0;
  std::promise<void> done;
  for (int i = 1; i <= 10; ++i)
    pool.post([&, i] {
      if ((sum += i) == 55) done.set_value();
    });
  done.get_future().wait();
  pool.stop();
  pool.post([&] { sum = 0; });
  EXPECT_EQ(sum, 55);
}

}  // namespace
}  // namespace longhaul::base
