// Where work runs. Rooms see these interfaces; threads and Asio stand behind them only in
// `broker/net`, `client` and the `app` rooms, and the simulator has its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "base/task.h"

namespace longhaul::base {

/// Runs tasks some time later, never inside `post`. Any thread may post.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Task task) = 0;
};

using TimerId = uint64_t;  // never 0 for a timer that was set

/// A serial executor with timers: one task at a time, in the order posted. `post` may be called
/// from any thread, `after` and `cancel` only from tasks of this loop (or before it runs).
class EventLoop : public Executor {
 public:
  /// Runs `task` on this loop once `delay` has passed on the monotonic clock.
  virtual TimerId after(std::chrono::microseconds delay, Task task) = 0;
  /// Runs `task` now if this is called from a task of this loop and that is known, else posts it.
  virtual void dispatch(Task task) { post(std::move(task)); }
  /// True if the timer was pending: its task will not run. 0 and past timers are fine: false.
  virtual bool cancel(TimerId timer) = 0;
};

}  // namespace longhaul::base
