// Brings a topic to what its KafkaTopic says.
#pragma once

#include "operator/kube/store.h"
#include "operator/reconcile/dependencies.h"
#include "operator/reconcile/outcome.h"
#include "operator/reconcile/status.h"

namespace longhaul::op::reconcile {

/// One pass goes through these steps and stops at the first that is not Done; then it writes
/// status:
///
///   validate    the spec is well-formed
///   cluster     the KafkaCluster and its region are there, and a broker answers
///   owner       no older KafkaTopic stands for the same topic
///   finalizer   from now on, deletion of the object waits for deletion of the topic
///   topic       it exists; one that existed before is adopted
///   config      options of the topic itself are those of the spec, no more and no fewer
///   partitions  as many as the spec says; fewer is impossible and said so
///   replicas    as many as the spec says
///
/// A KafkaTopic that is being deleted deletes its topic; if the KafkaCluster is gone, is going, or
/// was never founded, it just goes.
class TopicReconciler {
 public:
  explicit TopicReconciler(const Dependencies& dependencies);
  /// Safe from any thread, for different keys at a time.
  Next reconcile(const kube::ObjectKey& key);

 private:
  Next reconcile_live(const kube::ObjectPtr& object);
  Next reconcile_deleted(const kube::ObjectPtr& object);
  Next report(const kube::ObjectPtr& object, const Verdict& verdict, const kube::Json& status);

  Dependencies dependencies_;
  Announcer announcer_;
};

}  // namespace longhaul::op::reconcile
