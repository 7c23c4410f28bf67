// Whether the loops of a process still take tasks.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"

namespace longhaul::broker::metrics {

/// Asks loops for a sign of life, at most one at a time of each, and only when somebody wants to
/// know: a broker at rest is not woken for it. Not thread-safe.
class Pulse {
 public:
  /// A loop that owes an answer for longer than `patience` is stuck.
  Pulse(const base::Clock& clock, std::chrono::seconds patience)
      : clock_(clock), patience_(patience) {}

  /// `loop` outlives this object's last `feel`.
  void watch(std::string name, base::Executor& loop);
  /// Asks all loops that owe no answer. Returns which one is stuck and for how long; empty if none.
  std::string feel();

 private:
  struct Watched {
    std::string name;
    base::Executor& loop;
    base::Clock::Monotonic asked_at{};
    std::shared_ptr<std::atomic<bool>> answered = std::make_shared<std::atomic<bool>>(true);
  };

  const base::Clock& clock_;
  std::chrono::seconds patience_;
  std::vector<Watched> loops_;
};

}  // namespace longhaul::broker::metrics
