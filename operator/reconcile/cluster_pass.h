// One pass over the steps of a KafkaCluster. Inside of cluster_reconciler.
#pragma once

#include <string>
#include <vector>

#include "operator/model/desired.h"
#include "operator/reconcile/dependencies.h"
#include "operator/reconcile/outcome.h"
#include "operator/reconcile/region_view.h"
#include "operator/reconcile/status.h"

namespace longhaul::op::reconcile {

class ClusterPass {
 public:
  ClusterPass(Dependencies& dependencies, kube::ObjectPtr object);

  /// Runs the steps.
  Verdict run();
  /// What `status` shall be after `run`.
  kube::Json status(const Verdict& verdict) const;

 private:
  StepResult validate();
  StepResult anchor();
  StepResult config();
  StepResult stateful_sets();
  StepResult birth();
  StepResult services();
  StepResult roll();
  StepResult brokers();

  StepResult check_changes();
  StepResult create_anchor();
  base::Result<void> put_anchor(const model::Anchor& anchor);
  StepResult check_volumes(const model::AnchorNode& node, const kube::Json& live) const;
  StepResult found();
  base::Result<void> apply(const kube::ResourceType& type, kube::Json desired);
  model::RegionModel model() const;
  std::vector<BrokerPod> pods() const;
  std::string sets_selector() const;
  kube::Json region_status() const;

  Dependencies& d_;
  const kube::ObjectPtr object_;
  api::KafkaCluster cluster_;
  model::Anchor anchor_;
  kube::ObjectPtr anchor_map_;  // as read; null until the anchor step has passed
};

}  // namespace longhaul::op::reconcile
