#include "broker/metrics/pulse.h"

#include <gtest/gtest.h>

#include <deque>

#include "tests/broker/metrics/hand_clock.h"

namespace longhaul::broker::metrics {
namespace {

/// Runs what was posted when it is told to.
class HeldLoop final : public base::Executor {
 public:
  void post(base::Task task) override { tasks.push_back(std::move(task)); }
  void run() {
    while (!tasks.empty()) {
      tasks.front()();
      tasks.pop_front();
    }
  }
  std::deque<base::Task> tasks;
};

TEST(Pulse, NamesALoopThatOwesAnAnswerForTooLong) {
  HandClock clock;
  HeldLoop good, stuck;
  Pulse pulse(clock, std::chrono::seconds(30));
  pulse.watch("good", good);
  pulse.watch("stuck", stuck);
  // Nobody asked for hours: that says nothing against the loops.
  clock.now = std::chrono::hours(5);
  EXPECT_EQ(pulse.feel(), "");
  good.run();
  clock.now += std::chrono::seconds(30);
  EXPECT_EQ(pulse.feel(), "");
  good.run();
  clock.now += std::chrono::seconds(1);
  EXPECT_EQ(pulse.feel(), "stuck has not answered for 31 s");
  EXPECT_EQ(stuck.tasks.size(), 1u) << "asked only once";
  stuck.run();
  EXPECT_EQ(pulse.feel(), "");
  EXPECT_EQ(stuck.tasks.size(), 1u);
}

TEST(Pulse, MayGoBeforeItsAnswers) {
  HandClock clock;
  HeldLoop loop;
  {
    Pulse pulse(clock, std::chrono::seconds(30));
    pulse.watch("loop", loop);
    EXPECT_EQ(pulse.feel(), "");
  }
  loop.run();
}

}  // namespace
}  // namespace longhaul::broker::metrics
