// Short ways to write down a metric.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace longhaul::broker::metrics {

/// One line of a family.
struct Sample {
  double value = 0;
  std::vector<prometheus::ClientMetric::Label> labels = {};
};

/// What only grows; its name ends in _total.
prometheus::MetricFamily counter(std::string name, std::string help, std::vector<Sample> samples);
/// What goes up and down.
prometheus::MetricFamily gauge(std::string name, std::string help, std::vector<Sample> samples);

}  // namespace longhaul::broker::metrics
