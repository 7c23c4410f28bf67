#include "operator/model/desired.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace longhaul::op::model {

using kube::Json;

Json object_labels(const std::string& cluster, const std::string& region) {
  Json labels{{"app.kubernetes.io/name", "longhaul"},
              {"app.kubernetes.io/instance", cluster},
              {"app.kubernetes.io/managed-by", kManager}};
  for (const auto& [name, value] : region_labels(cluster, region)) labels[name] = value;
  return labels;
}

bool is_of_region(const Json& object, const std::string& cluster, const std::string& region) {
  return kube::label_of(object, kClusterLabel) == cluster &&
         kube::label_of(object, kRegionLabel) == region;
}

Json owned_object(const RegionModel& model, const kube::ResourceType& type,
                  const std::string& name) {
  Json object = kube::make_object(type, model.cluster.name_space, name);
  object["metadata"]["labels"] = object_labels(model.cluster.name, model.region().name);
  object["metadata"]["ownerReferences"] = Json::array({kube::owner_reference(model.owner)});
  return object;
}

std::string stable_hash(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

}  // namespace longhaul::op::model
