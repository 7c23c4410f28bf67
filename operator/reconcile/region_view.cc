#include "operator/reconcile/region_view.h"

#include <nlohmann/json.hpp>

#include "operator/model/names.h"

namespace longhaul::op::reconcile {

namespace {

using kube::Json;

const Json& ports_of(const Json& pod_spec) {
  static const Json kNone = Json::array();
  const Json& containers = kube::at_path(pod_spec, {"containers"});
  if (!containers.is_array() || containers.empty()) return kNone;
  return kube::at_path(containers[0], {"ports"});
}

bool is_for_clients(const Json& port) {
  std::string name = kube::string_at(port, {"name"});
  return name != "controller" && name != "health";
}

/// Kubernetes says of a pod that it cannot run it, as long as nothing changes.
bool is_stuck(const Json& pod) {
  if (kube::string_at(pod, {"status", "phase"}) == "Failed") return true;
  if (kube::string_at(kube::condition_of(pod, "PodScheduled"), {"status"}) == "False") return true;
  for (const Json& container : kube::at_path(pod, {"status", "containerStatuses"})) {
    std::string reason = kube::string_at(container, {"state", "waiting", "reason"});
    if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing")
      return true;
  }
  return false;
}

}  // namespace

BrokerPod broker_pod(const Caches& caches, const std::string& name_space,
                     const std::string& cluster, const std::string& region, int64_t node_id) {
  BrokerPod out;
  out.node_id = node_id;
  out.pod =
      caches.get(kube::kPod, {name_space, model::broker_name(cluster, region, node_id) + "-0"});
  if (!out.pod) return out;
  out.witness = kube::label_of(*out.pod, model::kRoleLabel) == model::kWitnessRole;
  for (const Json& port : ports_of(kube::at_path(*out.pod, {"spec"})))
    if (out.port == 0 && is_for_clients(port)) out.port = kube::int_at(port, {"containerPort"});
  out.ip = kube::string_at(*out.pod, {"status", "podIP"});
  out.ready = !out.ip.empty() && !kube::is_deleting(*out.pod) &&
              kube::string_at(kube::condition_of(*out.pod, "Ready"), {"status"}) == "True";
  out.health = out.ready                                            ? plan::Health::kReady
               : !kube::is_deleting(*out.pod) && is_stuck(*out.pod) ? plan::Health::kStuck
                                                                    : plan::Health::kUnready;
  return out;
}

std::vector<std::string> listener_names(const Json& pod_spec) {
  std::vector<std::string> out;
  for (const Json& port : ports_of(pod_spec))
    if (is_for_clients(port)) out.push_back(kube::string_at(port, {"name"}));
  return out;
}

Addresses ready_addresses(const std::vector<BrokerPod>& pods) {
  Addresses out;
  for (const BrokerPod& pod : pods) {
    if (!pod.ready || pod.witness || pod.port == 0) continue;
    bool v6 = pod.ip.find(':') != std::string::npos;
    out.push_back((v6 ? "[" + pod.ip + "]" : pod.ip) + ":" + std::to_string(pod.port));
  }
  return out;
}

bool is_observed(const kube::Json& stateful_set) {
  int64_t generation = kube::generation_of(stateful_set);
  return generation > 0 &&
         kube::int_at(stateful_set, {"status", "observedGeneration"}) >= generation;
}

}  // namespace longhaul::op::reconcile
