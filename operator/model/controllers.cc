#include <algorithm>
#include <tuple>

#include "operator/model/desired.h"

namespace longhaul::op::model {
namespace {

constexpr size_t kMostControllers = 5;

/// The first of each zone, then the second of each zone, and so on.
std::vector<AnchorNode> spread_over_zones(const std::vector<AnchorNode>& nodes) {
  std::map<std::string, int> seen;
  std::vector<std::pair<int, AnchorNode>> ranked;
  for (const AnchorNode& node : nodes) ranked.emplace_back(seen[node.zone]++, node);
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.first, a.second.id) < std::tuple(b.first, b.second.id);
  });
  std::vector<AnchorNode> out;
  for (auto& [rank, node] : ranked) out.push_back(std::move(node));
  return out;
}

}  // namespace

std::string broker_host(const RegionModel& model, const AnchorNode& node) {
  const std::string& cluster = model.cluster.name;
  const std::string& region = model.region().name;
  if (model.options.advertise == Advertise::kDns)
    return broker_name(cluster, region, node.id) + "-0." + headless_service_name(cluster, region) +
           "." + model.cluster.name_space + ".svc";
  auto found = model.pod_ips.find(node.id);
  return found == model.pod_ips.end() ? "" : found->second;
}

std::string bootstrap_property(const RegionModel& model, const AnchorNode& node) {
  std::string port = ":" + std::to_string(kControllerPort);
  std::string out = "controller.quorum.bootstrap.servers=${env:LONGHAUL_ADVERTISED_HOST}" + port;
  size_t count = 0;
  for (const AnchorNode& other : spread_over_zones(model.anchor.nodes)) {
    if (count++ == kMostControllers) break;
    std::string host = broker_host(model, other);
    if (host.find(':') != host.npos) host = "[" + host + "]";
    if (other.id != node.id && !host.empty()) out += "," + host + port;
  }
  return out + "\n";
}

}  // namespace longhaul::op::model
