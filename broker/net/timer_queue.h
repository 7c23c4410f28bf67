// Timers of one loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/executor.h"

namespace longhaul::broker::net {

/// A heap that knows where each timer stands in it: setting and cancelling cost a few moves and no
/// allocation, and a cancelled timer leaves nothing behind. For the thread of its loop only.
class TimerQueue {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  base::TimerId add(TimePoint due, base::Task task);
  /// The task of a pending timer, which will not run; empty if there is no such timer.
  base::Task cancel(base::TimerId timer);
  /// When the next one is due.
  std::optional<TimePoint> next() const;
  /// The task of the earliest timer that is due at `now`; of equal ones the one added first.
  base::Task take_due(TimePoint now);
  size_t size() const { return heap_.size(); }

 private:
  struct Timer {
    TimePoint due;
    uint64_t order = 0;
    base::Task task;
    uint32_t generation = 1;  // grows when the slot is given to another timer
    uint32_t place = 0;       // in heap_
  };

  bool before(uint32_t a, uint32_t b) const;
  void put(uint32_t place, uint32_t slot);
  void sift_up(uint32_t place);
  void sift_down(uint32_t place);
  base::Task remove(uint32_t slot);

  std::vector<Timer> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> heap_;  // of slots
  uint64_t added_ = 0;
};

}  // namespace longhaul::broker::net
