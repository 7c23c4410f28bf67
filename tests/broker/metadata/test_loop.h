// A loop, workers and a clock that a test turns by hand.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"

namespace longhaul::broker::metadata {

class TestClock final : public base::Clock {
 public:
  int64_t wall_ms() const override { return 1'700'000'000'000 + now_.count() / 1000; }
  Monotonic monotonic() const override { return now_; }
  void set(Monotonic now) { now_ = now; }

 private:
  Monotonic now_{1'000'000};
};

/// Tasks run in `run`, timers only when `advance` brings their time.
class TestLoop final : public base::EventLoop {
 public:
  explicit TestLoop(TestClock& clock) : clock_(clock) {}

  void post(base::Task task) override { tasks_.push_back(std::move(task)); }
  base::TimerId after(std::chrono::microseconds delay, base::Task task) override {
    timers_.emplace(std::pair(clock_.monotonic() + delay, ++last_timer_), std::move(task));
    return last_timer_;
  }
  bool cancel(base::TimerId timer) override {
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second != timer) continue;
      timers_.erase(it);
      return true;
    }
    return false;
  }

  /// Runs one task; false if there was none.
  bool run_one() {
    if (tasks_.empty()) return false;
    base::Task task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  /// Fires the timers that are due by `until`, in their order; the clock stands there afterwards.
  bool fire_next(base::Clock::Monotonic until) {
    if (timers_.empty() || timers_.begin()->first.first > until) return false;
    auto first = timers_.extract(timers_.begin());
    clock_.set(std::max(clock_.monotonic(), first.key().first));
    first.mapped()();
    return true;
  }
  size_t timers() const { return timers_.size(); }

 private:
  TestClock& clock_;
  std::deque<base::Task> tasks_;
  std::map<std::pair<base::Clock::Monotonic, base::TimerId>, base::Task> timers_;
  base::TimerId last_timer_ = 0;
};

}  // namespace longhaul::broker::metadata
