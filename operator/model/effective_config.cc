#include <nlohmann/json.hpp>
#include <sstream>

#include "broker/config/broker_config.h"
#include "broker/config/environment.h"
#include "operator/model/desired.h"

namespace longhaul::op::model {
namespace {

namespace config = broker::config;

/// A node that stands for all of its kind: what is checked does not depend on who it is.
Anchor stand_in(const api::Region& region, bool witness) {
  Anchor anchor;
  anchor.region = region.name;
  anchor.cluster_id.bytes[15] = 1;
  anchor.nodes = {{api::node_id_base(0) + 1, region.zones[0].name, witness}};
  return anchor;
}

/// What the pod gives the process.
std::optional<std::string> variable(const std::string& name) {
  if (name == "LONGHAUL_FORMAT") return "join";
  return name == "LONGHAUL_DATA" ? "/data" : "127.0.0.1";
}

std::string why_refused(const api::KafkaCluster& cluster, bool witness) {
  static const kube::Json kOwner = kube::Json::object();
  Anchor anchor = stand_in(cluster.regions[0], witness);
  ModelOptions options;
  std::map<int64_t, std::string> pod_ips;
  RegionModel model{cluster, kOwner, anchor, options, pod_ips};
  auto text = config::expand_environment(
      lasting_properties(model, anchor.founder()) + bootstrap_property(model, anchor.founder()),
      variable);
  if (!text) return text.error().message;
  auto loaded = config::load_broker_config(*text);
  return loaded ? "" : loaded.error().message;
}

}  // namespace

api::FieldErrors check_effective_config(const api::KafkaCluster& cluster) {
  bool witness = false;
  for (const api::Zone& zone : cluster.regions[0].zones) witness |= zone.witness;
  std::string why = why_refused(cluster, false);
  if (why.empty() && witness) why = why_refused(cluster, true);
  api::FieldErrors errors;
  std::istringstream lines(why);
  for (std::string line; std::getline(lines, line);) {
    // Each begins with the option that it is about.
    std::string name = line.substr(0, line.find_first_of(":= "));
    bool named = cluster.config.contains(name);
    errors.push_back({named ? "spec.config[" + name + "]" : "spec.config", line});
  }
  return errors;
}

}  // namespace longhaul::op::model
