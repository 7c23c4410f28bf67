#include "broker/metrics/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <utility>

namespace longhaul::broker::metrics {

void Exposition::add(std::unique_ptr<prometheus::Collectable> source) {
  std::lock_guard lock(mutex_);
  sources_.push_back(std::move(source));
}

void Exposition::clear() {
  std::lock_guard lock(mutex_);
  sources_.clear();
}

std::string Exposition::text() const {
  std::vector<prometheus::MetricFamily> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& source : sources_) {
      std::vector<prometheus::MetricFamily> families = source->Collect();
      std::move(families.begin(), families.end(), std::back_inserter(all));
    }
  }
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace longhaul::broker::metrics
