// Time and order in a test's hand: one queue of everything that is going to happen.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <unordered_map>

#include "base/clock.h"
#include "base/random.h"
#include "base/task.h"

namespace longhaul::sim {

/// Microseconds since the simulation began, or a span of them.
using Time = std::chrono::microseconds;

/// Runs events one at a time, in one thread. Time stands still within an event and jumps to the
/// next; among those that are due at the same time the seed decides. The same seed and the same
/// calls give the same run.
class Simulation {
 public:
  using EventId = uint64_t;  // never 0

  explicit Simulation(uint64_t seed) : random_(seed) {}
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  base::Random& random() { return random_; }
  Time now() const { return now_; }
  /// One of many: true `percent` times out of a hundred.
  bool chance(uint64_t percent) { return random_.below(100) < percent; }
  /// Mostly up to `typical`, sometimes ten times that, rarely a hundred times: what delays are
  /// like.
  Time some_delay(Time typical);

  /// `owner` is whoever `cancel_all` is called for; it is only compared.
  EventId after(Time delay, const void* owner, base::Task task);
  /// Runs before everything else that is due now, as soon as the running event is over.
  EventId next(const void* owner, base::Task task);
  /// True if the event had not begun: it will not run.
  bool cancel(EventId id);
  void cancel_all(const void* owner);
  /// What `owner` has coming happens no earlier than `span` from now, as if its threads stood
  /// still.
  void hold(const void* owner, Time span) { held_[owner] = now_ + span; }

  /// Runs the next event (or finds that it is held) if it is due by `until`; false if there is
  /// none.
  bool step(Time until = Time::max());
  /// Runs all that is due by then, and leaves the clock there.
  void run_until(Time until);
  void run_for(Time span) { run_until(now_ + span); }
  /// All that is due now, and what comes of it at once.
  void run_due() { run_until(now_); }
  /// Events that are to come.
  size_t pending() const { return queue_.size(); }
  /// Runs until `done()`; false if that was not so within `patience`, or nothing is left to happen.
  template <class Done>
  bool run_until_true(Done done, Time patience) {
    Time until = now_ + patience;
    while (!done()) {
      if (!step(until)) return false;
    }
    return true;
  }

 private:
  struct Key {
    Time due;
    uint64_t order;  // among those that are due then
    EventId id;
    auto operator<=>(const Key&) const = default;
  };
  struct Event {
    const void* owner;
    base::Task task;
  };
  EventId add(Time when, uint64_t order, const void* owner, base::Task task);
  bool put_off();

  base::SeededRandom random_;
  Time now_{0};
  EventId last_id_ = 0;
  std::map<Key, Event> queue_;
  std::unordered_map<EventId, Key> keys_;
  std::unordered_map<const void*, Time> held_;  // until then
};

/// A machine's clocks: the monotonic one is the simulation's, the other may be set.
class Clock final : public base::Clock {
 public:
  explicit Clock(const Simulation& simulation) : simulation_(simulation) {}

  int64_t wall_ms() const override;
  Monotonic monotonic() const override;
  /// Sets the wall clock forward, or back.
  void jump(std::chrono::milliseconds by) { offset_ += by; }

 private:
  const Simulation& simulation_;
  std::chrono::milliseconds offset_{1'700'000'000'000};
};

}  // namespace longhaul::sim
