// One pass over the steps of a KafkaTopic. Inside of topic_reconciler.
#pragma once

#include <optional>
#include <string>

#include "operator/api/kafka_topic.h"
#include "operator/reconcile/dependencies.h"
#include "operator/reconcile/outcome.h"
#include "operator/reconcile/region_view.h"
#include "operator/reconcile/status.h"

namespace longhaul::op::reconcile {

inline constexpr const char* kTopicFinalizer = "longhaul.dev/topic";

class TopicPass {
 public:
  TopicPass(Dependencies& dependencies, kube::ObjectPtr object);

  /// The steps of a KafkaTopic that lives.
  Verdict run();
  /// The steps of one that is being deleted; Done once its finalizer is gone.
  Verdict run_deletion();
  kube::Json status(const Verdict& verdict) const;

 private:
  StepResult validate();
  StepResult cluster();
  StepResult owner();
  StepResult finalizer();
  StepResult topic();
  StepResult config();
  StepResult partitions();
  StepResult replicas();

  StepResult remove_topic();
  bool cluster_is_gone() const;
  StepResult let_go();
  kube::ObjectPtr older_twin() const;

  Dependencies& d_;
  const kube::ObjectPtr object_;
  api::KafkaTopic topic_;
  Addresses brokers_;
  bool cluster_is_ready_ = false;
  std::optional<TopicState> state_;
};

}  // namespace longhaul::op::reconcile
