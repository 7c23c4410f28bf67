#include <nlohmann/json.hpp>

#include "operator/model/desired.h"

namespace longhaul::op::model {

kube::Json pod_disruption_budget(const RegionModel& model) {
  const std::string& cluster = model.cluster.name;
  const std::string& region = model.region().name;
  kube::Json budget =
      owned_object(model, kube::kPodDisruptionBudget, region_prefix(cluster, region));
  budget["spec"] = {{"maxUnavailable", 1},
                    {"selector", {{"matchLabels", region_labels(cluster, region)}}}};
  return budget;
}

}  // namespace longhaul::op::model
