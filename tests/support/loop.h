// Executors over a simulation.
#pragma once

#include <deque>

#include "base/executor.h"
#include "tests/support/simulation.h"

namespace longhaul::sim {

/// A serial executor: tasks in the order posted, each some time after its post; timers when they
/// are due. What a real loop's thread would do between two tasks of it, others do here.
class Loop final : public base::EventLoop {
 public:
  /// `latency`: the typical time from a post to its turn.
  explicit Loop(Simulation& simulation, Time latency = Time(0))
      : simulation_(simulation), latency_(latency) {}
  ~Loop() override { stop(); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void post(base::Task task) override;
  base::TimerId after(std::chrono::microseconds delay, base::Task task) override;
  bool cancel(base::TimerId timer) override { return simulation_.cancel(timer); }

  /// Nothing runs here for so long.
  void pause(Time span) { simulation_.hold(this, span); }
  /// Nothing runs here any more, but nothing is destroyed yet: for a death in the middle of a task.
  void halt() { halted_ = true; }
  /// Drops what waits, and whatever comes.
  void stop();

 private:
  Simulation& simulation_;
  const Time latency_;
  std::deque<base::Task> tasks_;
  bool halted_ = false;
  bool stopped_ = false;
};

/// A pool of threads: tasks take their time and overtake each other.
class Workers final : public base::Executor {
 public:
  explicit Workers(Simulation& simulation, Time latency = Time(0))
      : simulation_(simulation), latency_(latency) {}
  ~Workers() override { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void post(base::Task task) override;

  /// As if all threads were busy: whatever comes to its turn waits for `resume`.
  void hold() { held_ = true; }
  void resume();
  /// Nothing runs here for so long.
  void pause(Time span) { simulation_.hold(this, span); }
  /// Each task takes this long from now on, typically.
  void set_latency(Time latency) { latency_ = latency; }
  void halt() { halted_ = true; }
  void stop();

 private:
  Simulation& simulation_;
  Time latency_;
  std::deque<base::Task> waiting_;  // while held
  bool held_ = false;
  bool halted_ = false;
  bool stopped_ = false;
};

}  // namespace longhaul::sim
