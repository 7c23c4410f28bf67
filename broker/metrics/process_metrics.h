// The process as the kernel sees it.
#pragma once

#include <prometheus/collectable.h>

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace longhaul::broker::metrics {

/// Under the names that all Prometheus clients give to these.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  /// The process has started about now.
  explicit ProcessMetrics(const base::Clock& clock) : started_ms_(clock.wall_ms()) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  int64_t started_ms_;
};

}  // namespace longhaul::broker::metrics
