// What runs of a region, as the caches show it.
#pragma once

#include <string>
#include <vector>

#include "operator/kube/object.h"
#include "operator/plan/roll.h"
#include "operator/reconcile/caches.h"
#include "operator/reconcile/kafka.h"

namespace longhaul::op::reconcile {

/// A broker's pod, or that there is none.
struct BrokerPod {
  int64_t node_id = 0;
  kube::ObjectPtr pod;   // null: there is none
  bool ready = false;    // the Ready condition, of a pod that is not being deleted
  bool witness = false;  // no client can ask it
  plan::Health health = plan::Health::kUnready;
  std::string ip;
  int64_t port = 0;  // of the first listener that its process has, whatever the spec says by now
};

BrokerPod broker_pod(const Caches& caches, const std::string& name_space,
                     const std::string& cluster, const std::string& region, int64_t node_id);

/// "IP:PORT" of brokers that are ready.
Addresses ready_addresses(const std::vector<BrokerPod>& pods);

/// Names of the listeners for clients in the spec of a pod; brokers reach each other at the first.
std::vector<std::string> listener_names(const kube::Json& pod_spec);

/// The StatefulSet controller has seen the newest template: whatever pod it makes from now on is
/// made from that.
bool is_observed(const kube::Json& stateful_set);

}  // namespace longhaul::op::reconcile
