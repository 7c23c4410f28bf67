// Time as an interface, so that a test can own it.
#pragma once

#include <chrono>
#include <cstdint>

namespace longhaul::base {

/// Both times of a machine. Wall-clock time may jump either way; use it for record timestamps,
/// retention and what people read. Everything that measures or waits uses the monotonic one.
class Clock {
 public:
  using Monotonic = std::chrono::microseconds;  // since an arbitrary start

  virtual ~Clock() = default;
  /// Milliseconds since the Unix epoch.
  virtual int64_t wall_ms() const = 0;
  virtual Monotonic monotonic() const = 0;
};

/// The machine's own clocks.
class SystemClock final : public Clock {
 public:
  int64_t wall_ms() const override;
  Monotonic monotonic() const override;
};

}  // namespace longhaul::base
