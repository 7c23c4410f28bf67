#include "tests/support/loop.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace longhaul::sim {

namespace {

// What hangs longer is a broken disk, which is another fault.
constexpr Time kLongestTask = std::chrono::seconds(5);

}  // namespace

void Loop::post(base::Task task) {
  if (stopped_) return;
  tasks_.push_back(std::move(task));
  // Not this task's turn but a turn: whichever comes first runs the task that was posted first.
  simulation_.after(simulation_.some_delay(latency_), this, [this] {
    if (halted_) return;
    base::Task first = std::move(tasks_.front());
    tasks_.pop_front();
    first();
  });
}

base::TimerId Loop::after(std::chrono::microseconds delay, base::Task task) {
  if (stopped_) return UINT64_MAX;  // no timer has this ID
  return simulation_.after(delay, this, [this, task = std::move(task)]() mutable {
    if (!halted_) task();
  });
}

void Loop::stop() {
  stopped_ = halted_ = true;
  simulation_.cancel_all(this);
  std::deque<base::Task> dropped = std::exchange(tasks_, {});
}

void Workers::post(base::Task task) {
  if (stopped_) return;
  Time delay = std::min(simulation_.some_delay(latency_), kLongestTask);
  simulation_.after(delay, this, [this, task = std::move(task)]() mutable {
    if (held_) return waiting_.push_back(std::move(task));
    if (!halted_) task();
  });
}

void Workers::resume() {
  held_ = false;
  for (base::Task& task : std::exchange(waiting_, {})) post(std::move(task));
}

void Workers::stop() {
  stopped_ = halted_ = true;
  simulation_.cancel_all(this);
  std::deque<base::Task> dropped = std::exchange(waiting_, {});
}

}  // namespace longhaul::sim
