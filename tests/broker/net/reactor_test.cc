#include "broker/net/reactor.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace longhaul::broker::net {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(Reactor, RunsTasksInTheirOrderOnItsThread) {
  Reactor reactor("test");
  std::vector<int> order;
  std::promise<void> done;
  EXPECT_FALSE(reactor.is_current());
  for (int i = 0; i < 100; ++i) {
    reactor.post([&, i] {
      EXPECT_TRUE(reactor.is_current());
      order.push_back(i);
      if (i == 99) done.set_value();
    });
  }
  done.get_future().wait();
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Reactor, PostsFromManyThreadsAllArrive) {
  Reactor reactor("test");
  std::atomic<int> ran{0};
  std::promise<void> done;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        reactor.post([&] {
          if (++ran == 20000) done.set_value();
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  done.get_future().wait();
  EXPECT_EQ(ran, 20000);
}

TEST(Reactor, TimersRunWhenDueAndNotWhenCancelled) {
  Reactor reactor("test");
  std::promise<std::string> done;
  std::string ran;
  auto start = std::chrono::steady_clock::now();
  reactor.post([&] {
    reactor.after(milliseconds(20), [&] { done.set_value(ran + "b"); });
    base::TimerId never = reactor.after(milliseconds(5), [&] { ran += "x"; });
    reactor.after(milliseconds(10), [&] { ran += "a"; });
    EXPECT_TRUE(reactor.cancel(never));
    EXPECT_FALSE(reactor.cancel(never));
  });
  EXPECT_EQ(done.get_future().get(), "ab");
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
}

TEST(Reactor, WaitingTimersWakeNobody) {
  Reactor reactor("test");
  std::promise<void> set;
  reactor.post([&] {
    for (int i = 0; i < 10000; ++i) reactor.after(std::chrono::hours(1), [] {});
    set.set_value();
  });
  set.get_future().wait();
  std::promise<uint64_t> before, after;
  reactor.post([&] { before.set_value(reactor.stats().wake_ups); });
  uint64_t at_first = before.get_future().get();
  reactor.post([&] { after.set_value(reactor.stats().wake_ups); });
  EXPECT_LE(after.get_future().get() - at_first, 2u);
}

TEST(Reactor, KnowsHowLongItWasHeldUp) {
  Reactor reactor("test");
  std::promise<void> done;
  reactor.post([&] {
    auto until = std::chrono::steady_clock::now() + milliseconds(15);
    while (std::chrono::steady_clock::now() < until) {
    }
  });
  reactor.post([&] { done.set_value(); });
  done.get_future().wait();
  ReactorStats stats = reactor.stats();
  EXPECT_GE(stats.longest_us, 15000u);
  EXPECT_GE(stats.busy_us, stats.longest_us);
  EXPECT_GE(stats.held_up, 1u);
}

TEST(Reactor, StopDestroysWhatIsQueued) {
  auto token = std::make_shared<int>(1);
  Reactor reactor("test");
  std::promise<void> entered, leave;
  reactor.post([&] {
    reactor.after(std::chrono::hours(1), [token] {});
    entered.set_value();
    leave.get_future().wait();
  });
  entered.get_future().wait();
  bool ran = false;
  std::thread stopper([&] { reactor.stop(); });
  reactor.post([token, &ran] { ran = true; });
  leave.set_value();
  stopper.join();
  EXPECT_EQ(token.use_count(), 1);
  reactor.post([&ran] { ran = true; });
  (void)ran;
}

}  // namespace
}  // namespace longhaul::broker::net
