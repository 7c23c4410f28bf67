// Brings what exists of a KafkaCluster to what it says.
#pragma once

#include "operator/kube/store.h"
#include "operator/reconcile/dependencies.h"
#include "operator/reconcile/outcome.h"
#include "operator/reconcile/status.h"

namespace longhaul::op::reconcile {

/// One pass goes through these steps and stops at the first that is not Done; then it writes
/// status:
///
///   validate      the spec is well-formed and can be carried out
///   anchor        the region has an identity, noted before anything is founded
///   config        ServiceAccount, PodDisruptionBudget, a ConfigMap per broker
///   stateful-sets one per broker
///   birth         the founder has founded; its permission to do so is taken away
///   services      only now can clients find it
///   roll          pods that were made from an older template are replaced
///   brokers       they are ready and say so themselves
///
/// Objects are removed with their owner by Kubernetes' garbage collector.
class ClusterReconciler {
 public:
  explicit ClusterReconciler(const Dependencies& dependencies);
  /// Safe from any thread, for different keys at a time.
  Next reconcile(const kube::ObjectKey& key);

 private:
  Dependencies dependencies_;
  Announcer announcer_;
};

}  // namespace longhaul::op::reconcile
