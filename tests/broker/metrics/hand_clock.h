#pragma once

#include "base/clock.h"

namespace longhaul::broker::metrics {

/// Stands still until it is set.
class HandClock final : public base::Clock {
 public:
  int64_t wall_ms() const override { return 0; }
  Monotonic monotonic() const override { return now; }
  Monotonic now{1000};
};

}  // namespace longhaul::broker::metrics
