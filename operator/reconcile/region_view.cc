#include "operator/reconcile/region_view.h"

#include <nlohmann/json.hpp>

#include "operator/model/names.h"

namespace longhaul::op::reconcile {

namespace {

using kube::Json;

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
  out.ip = kube::string_at(*out.pod, {"status", "podIP"});
  out.ready = !out.ip.empty() && !kube::is_deleting(*out.pod) &&
              kube::string_at(kube::condition_of(*out.pod, "Ready"), {"status"}) == "True";
  out.health = out.ready                                            ? plan::Health::kReady
               : !kube::is_deleting(*out.pod) && is_stuck(*out.pod) ? plan::Health::kStuck
                                                                    : plan::Health::kUnready;
  return out;
}

Addresses ready_addresses(const std::vector<BrokerPod>& pods, int64_t port) {
  Addresses out;
  for (const BrokerPod& pod : pods) {
    if (!pod.ready || pod.witness) continue;
    bool v6 = pod.ip.find(':') != std::string::npos;
    out.push_back((v6 ? "[" + pod.ip + "]" : pod.ip) + ":" + std::to_string(port));
  }
  return out;
}

bool is_observed(const kube::Json& stateful_set) {
  int64_t generation = kube::generation_of(stateful_set);
  return generation > 0 &&
         kube::int_at(stateful_set, {"status", "observedGeneration"}) >= generation;
}

}  // namespace longhaul::op::reconcile
