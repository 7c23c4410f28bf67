// One pass over the steps of a KafkaCluster. Inside of cluster_reconciler.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "operator/model/desired.h"
#include "operator/reconcile/dependencies.h"
#include "operator/reconcile/outcome.h"
#include "operator/reconcile/region_view.h"
#include "operator/reconcile/status.h"

namespace longhaul::op::reconcile {

/// How soon states are looked at again whose end no watch tells us of.
inline constexpr std::chrono::milliseconds kAskAgain{2000};
/// The same where an event ends them: only in case it was missed.
inline constexpr std::chrono::milliseconds kEventComes{30'000};

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
  StepResult founder();
  StepResult birth();
  StepResult services();
  StepResult joiners();
  StepResult options();
  StepResult voters();
  StepResult roll();
  StepResult brokers();
  StepResult quorum();

  StepResult check_identity();
  StepResult check_other_regions(const std::vector<kube::ObjectPtr>& maps) const;
  StepResult check_changes();
  StepResult check_listeners() const;
  StepResult create_anchor();
  base::Result<void> put_anchor(const model::Anchor& anchor);
  StepResult check_volumes(const model::AnchorNode& node, const kube::Json& live) const;
  /// A broker whose pod is of an older template keeps what that was made from until its turn comes,
  /// so that one that crashes meanwhile comes back as it was.
  enum class Turn { kWaits, kHasCome };
  StepResult apply_broker(const model::AnchorNode& node, Turn turn = Turn::kWaits);
  base::Result<void> apply_retention(const kube::Json& live);
  StepResult restart(const plan::RollPlan& plan);
  kube::ObjectPtr stateful_set_of(int64_t node_id) const;
  bool knows_addresses() const;
  StepResult found();
  StepResult seal();
  base::Result<kube::Json> ask_for(const kube::ResourceType& type, int64_t node_id);
  StepResult settled();
  std::optional<Operation> growth() const;
  base::Result<void> alter_options(const Addresses& up);
  base::Result<void> note_options(std::set<std::string> names);
  base::Result<void> change_voters(const Addresses& up, const plan::VoterPlan& plan);
  base::Result<plan::RollEvidence> roll_evidence();
  /// Not over an object of the same name that is somebody else's.
  StepResult apply(const kube::ResourceType& type, kube::Json desired);
  bool is_ours(const kube::Json& object) const;
  StepResult check_broker_names(const model::AnchorNode& node);
  /// Blocked if an object of that name is there and not ours.
  StepResult check_name(const kube::ResourceType& type, const std::string& name);
  model::RegionModel model() const;
  BrokerPod pod_of(int64_t node_id) const;
  std::vector<BrokerPod> pods() const;
  /// How many there shall be, and how many are ready; witnesses do not count.
  std::pair<int64_t, int64_t> count_brokers() const;
  kube::Json quorum_status() const;
  std::string sets_selector() const;
  kube::Json region_status() const;

  Dependencies& d_;
  const kube::ObjectPtr object_;
  api::KafkaCluster cluster_;
  model::Anchor anchor_;
  kube::ObjectPtr anchor_map_;              // as read; null until the anchor step has passed
  std::map<int64_t, std::string> pod_ips_;  // by node ID, of pods that have one
  std::optional<plan::Quorum> quorum_;      // as it was before the voters step changed it
  std::optional<Operation> operation_;      // that a step was at
  Outcome options_left_;                    // what speaks against the options, if not Done
  std::string unsettled_;                   // what the quorum still waits for
};

}  // namespace longhaul::op::reconcile
