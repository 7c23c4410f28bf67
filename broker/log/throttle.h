// A bound on the rate of what is done in the background.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/clock.h"
#include "base/result.h"

namespace longhaul::broker::log {

/// Waits that long, or less if there is no point in going on: then false. Zero: only asks.
using Pause = std::function<bool(std::chrono::microseconds)>;

/// Shared by all who do the same work, from any thread. What is saved while nobody works is not
/// kept for later.
class Throttle {
 public:
  /// `pause` absent: never waits and never ends. A rate of 0 or less is no limit.
  Throttle(const base::Clock& clock, double bytes_per_second, Pause pause);

  /// From now on; who waits goes on by it soon.
  void set_rate(double bytes_per_second);

  /// So many bytes were read or written: now and then waits until that is within the rate.
  /// kCancelled if there is no point in going on.
  base::Result<void> pace(uint64_t bytes);

 private:
  std::chrono::microseconds delay_after(uint64_t bytes);

  const base::Clock& clock_;
  const Pause pause_;
  std::atomic<uint64_t> least_{0};  // bytes between two looks at the clock
  std::atomic<uint64_t> unpaced_{0};
  std::atomic<uint64_t> changes_{0};  // of the rate
  std::mutex mutex_;                  // guards what follows
  double bytes_per_second_ = 0;
  base::Clock::Monotonic free_at_{};  // when all that was done so far is within the rate
};

}  // namespace longhaul::broker::log
