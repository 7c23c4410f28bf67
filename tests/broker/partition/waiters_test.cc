#include "broker/partition/waiters.h"

#include <gtest/gtest.h>

#include "tests/broker/partition/counter.h"

namespace longhaul::broker::partition {
namespace {

using protocol::ErrorCode;

TEST(Watchers, ToldOnceThenForgotten) {
  Watchers watchers;
  auto a = std::make_shared<Counter>(), b = std::make_shared<Counter>();
  watchers.add(a);
  watchers.add(b);
  watchers.notify_all();
  watchers.notify_all();
  EXPECT_EQ(a->told, 1);
  EXPECT_EQ(b->told, 1);
  watchers.add(a);
  watchers.notify_all();
  EXPECT_EQ(a->told, 2);
  EXPECT_EQ(b->told, 1);
}

TEST(Watchers, ThoseWhoAreGoneAreNotToldAndNotKept) {
  Watchers watchers;
  std::weak_ptr<Counter> gone;
  {
    auto counter = std::make_shared<Counter>();
    gone = counter;
    watchers.add(counter);
  }
  EXPECT_TRUE(gone.expired());
  watchers.notify_all();
  auto here = std::make_shared<Counter>();
  for (int i = 0; i < 10'000; ++i) watchers.add(std::make_shared<Counter>());
  watchers.add(here);
  EXPECT_LT(watchers.size(), 100u) << "waiting must not cost memory for ever";
  watchers.notify_all();
  EXPECT_EQ(here->told, 1);
}

/// One that waits again as soon as it is told.
struct Eager final : Watcher, std::enable_shared_from_this<Eager> {
  explicit Eager(Watchers& at) : watchers(at) {}
  void notify() override {
    ++told;
    watchers.add(shared_from_this());
  }
  Watchers& watchers;
  int told = 0;
};

TEST(Watchers, OneWhoWaitsAgainWhenToldIsToldNextTime) {
  Watchers watchers;
  auto eager = std::make_shared<Eager>(watchers);
  watchers.add(eager);
  for (int i = 1; i <= 3; ++i) {
    watchers.notify_all();
    EXPECT_EQ(eager->told, i);
  }
}

TEST(CommitWaiters, AreTakenInTheOrderOfOffsetsUpToTheHighWatermark) {
  CommitWaiters waiters;
  std::vector<int64_t> done;
  for (int64_t offset : {50, 10, 30, 10, 20}) {
    waiters.add(offset, [&done, offset](ErrorCode) { done.push_back(offset); });
  }
  auto run = [](std::vector<CommitCallback> taken) {
    for (CommitCallback& each : taken) each(ErrorCode::kNone);
  };
  run(waiters.take_committed(9));
  EXPECT_TRUE(done.empty());
  run(waiters.take_committed(20));
  EXPECT_EQ(done, (std::vector<int64_t>{10, 10, 20}));
  run(waiters.take_all());
  EXPECT_EQ(done.size(), 5u);
  EXPECT_TRUE(waiters.empty());
  EXPECT_TRUE(waiters.take_committed(INT64_MAX).empty());
}

TEST(CommitWaiters, ThoseThatAreGoneAreForgottenThoughNothingIsCommitted) {
  CommitWaiters waiters;
  int told = 0;
  auto here = std::make_shared<int>();
  waiters.add(7, {[&](ErrorCode) { ++told; }, here});
  for (int i = 0; i < 10'000; ++i) {
    waiters.add(i, {[](ErrorCode) { ADD_FAILURE(); }, std::make_shared<int>()});
  }
  waiters.add(8, [&](ErrorCode) { ++told; });
  EXPECT_LT(waiters.size(), 200u) << "timed-out produces must not cost memory for ever";
  for (int i = 0; i < 200; ++i) waiters.add(100'000, [](ErrorCode) {});
  for (CommitCallback& each : waiters.take_committed(8)) each(ErrorCode::kNone);
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace longhaul::broker::partition
