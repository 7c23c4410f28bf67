#include "operator/model/names.h"

namespace longhaul::op::model {

std::string region_prefix(const std::string& cluster, const std::string& region) {
  return cluster + "-" + region;
}
std::string broker_name(const std::string& cluster, const std::string& region, int64_t node_id) {
  return region_prefix(cluster, region) + "-" + std::to_string(node_id);
}
std::string claim_name(const std::string& cluster, const std::string& region, int64_t node_id) {
  return "data-" + broker_name(cluster, region, node_id) + "-0";
}
std::string headless_service_name(const std::string& cluster, const std::string& region) {
  return region_prefix(cluster, region) + "-brokers";
}
std::string bootstrap_service_name(const std::string& cluster, const std::string& region) {
  return region_prefix(cluster, region) + "-bootstrap";
}
std::string anchor_name(const std::string& cluster, const std::string& region) {
  return region_prefix(cluster, region) + "-anchor";
}

Labels region_labels(const std::string& cluster, const std::string& region) {
  return {{kClusterLabel, cluster}, {kRegionLabel, region}};
}

std::string selector(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) out += (out.empty() ? "" : ",") + name + "=" + value;
  return out;
}

}  // namespace longhaul::op::model
