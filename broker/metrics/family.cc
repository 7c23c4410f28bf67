#include "broker/metrics/family.h"

#include <utility>

namespace longhaul::broker::metrics {

prometheus::MetricFamily counter(std::string name, std::string help, std::vector<Sample> samples) {
  prometheus::MetricFamily family{
      std::move(name), std::move(help), prometheus::MetricType::Counter, {}};
  for (Sample& sample : samples) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = std::move(sample.labels);
    metric.counter.value = sample.value;
  }
  return family;
}

prometheus::MetricFamily gauge(std::string name, std::string help, std::vector<Sample> samples) {
  prometheus::MetricFamily family{
      std::move(name), std::move(help), prometheus::MetricType::Gauge, {}};
  for (Sample& sample : samples) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = std::move(sample.labels);
    metric.gauge.value = sample.value;
  }
  return family;
}

}  // namespace longhaul::broker::metrics
