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
///   config        ServiceAccount, PodDisruptionBudget
///   founder       ConfigMap and StatefulSet of the broker that founds the region
///   birth         it has founded; its permission to do so is taken away
///   services      only now can clients find it
///   joiners       those of all other brokers
///   options       those that change while brokers run, altered for all of them at once
///   voters        one change of who votes in the metadata quorum, if one is due and safe
///   roll          pods that were made from an older template are replaced, one at a time
///   brokers       they are ready and say so themselves
///   quorum        everybody votes who shall, and the options are as they shall be
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
