// Steps of a KafkaCluster's pass: who votes, whose pod is replaced, and whether all are there.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/api/config_check.h"
#include "operator/reconcile/cluster_pass.h"

namespace longhaul::op::reconcile {

using kube::Json;
using namespace std::chrono_literals;

namespace {

/// The next change of the voters is looked for at once.
constexpr auto kNextChange = 50ms;
/// A node that catches up with the quorum does so in less than a second, if nothing hinders it.
constexpr auto kCatchingUp = 500ms;

}  // namespace

StepResult ClusterPass::options() {
  Addresses up = ready_addresses(pods());
  if (up.empty()) return done();  // a later step says so
  auto altered = alter_options(up);
  if (altered) return done();
  const base::Error& error = altered.error();
  if (error.code == base::Errc::kConflict) return tl::unexpected<base::Error>(error);
  // What else is to be done may be what mends it.
  options_left_ = error.code == base::Errc::kInvalidArgument
                      ? blocked("Refused", "spec.config: " + error.message)
                      : requeue_after(kAskAgain, "ChangingOptions", error.message);
  return done();
}

base::Result<void> ClusterPass::alter_options(const Addresses& up) {
  std::set<std::string> wanted;
  for (const auto& [name, value] : cluster_.config)
    if (api::changes_while_running(name)) wanted.insert(name);
  if (wanted.empty() && anchor_.options.empty()) return {};
  LH_ASSIGN(auto live, d_.kafka.default_options(up));
  std::map<std::string, std::string> set;
  std::vector<std::string> unset;
  for (const std::string& name : wanted) {
    const std::string& value = cluster_.config.at(name);
    auto found = live.find(name);
    if (found == live.end() || !api::same_broker_value(name, value, found->second))
      set.emplace(name, value);
  }
  std::set<std::string> noted = wanted;
  for (const std::string& name : anchor_.options) {
    noted.insert(name);
    if (!wanted.contains(name) && live.contains(name)) unset.push_back(name);
  }
  // Written down before it is done, so that it can be taken back.
  LH_TRY(note_options(std::move(noted)));
  if (!set.empty() || !unset.empty()) {
    LH_TRY(d_.kafka.alter_default_options(up, set, unset));
    std::string text;
    for (const auto& [name, value] : set) text += (text.empty() ? "" : ", ") + name + "=" + value;
    for (const std::string& name : unset)
      text += (text.empty() ? "" : ", ") + name + " no longer set";
    d_.writer.event(*object_, false, "OptionsChanged", "for all brokers: " + text);
  }
  return note_options(std::move(wanted));
}

base::Result<void> ClusterPass::note_options(std::set<std::string> names) {
  if (names == anchor_.options) return {};
  model::Anchor noted = anchor_;
  noted.options = std::move(names);
  return put_anchor(noted);
}

StepResult ClusterPass::voters() {
  Addresses up = ready_addresses(pods());
  if (up.empty()) return done();  // a later step says so
  auto quorum = d_.kafka.describe_quorum(up);
  if (!quorum) {
    unsettled_ = quorum.error().message;
    return done();
  }
  quorum_ = std::move(*quorum);
  std::vector<plan::VoterNode> nodes;
  for (const model::AnchorNode& node : anchor_.nodes) nodes.push_back({node.id, node.zone});
  plan::VoterPlan plan = plan::plan_voters(nodes, *quorum_);
  if (plan.action == plan::VoterPlan::Action::kNone) return done();
  if (plan.action == plan::VoterPlan::Action::kWait) {
    unsettled_ = plan.why;
    return done();
  }
  operation_ = Operation{"ChangeVoters", plan.replica.id, {}};
  for (int64_t id : plan.wanted)
    if (!quorum_->voter(id)) operation_->remaining.push_back(id);
  std::string text = plan::to_string(plan);
  d_.logger.info("{}: voters of region {}: {}", cluster_.name, anchor_.region, text);
  auto changed = change_voters(up, plan);
  if (!changed) text += ": " + changed.error().message;
  return requeue_after(changed ? kNextChange : kAskAgain, "ChangingVoters", text);
}

base::Result<void> ClusterPass::change_voters(const Addresses& up, const plan::VoterPlan& plan) {
  std::string cluster_id = anchor_.cluster_id.to_string();
  int64_t id = plan.replica.id;
  if (plan.action == plan::VoterPlan::Action::kRemove) {
    LH_TRY(d_.kafka.remove_voter(up, cluster_id, plan.replica));
    d_.writer.event(*object_, false, "VoterRemoved",
                    fmt::format("node {} no longer votes: {}", id, plan.why));
    return {};
  }
  for (const model::AnchorNode& node : anchor_.nodes)
    if (node.id == id)
      LH_TRY(d_.kafka.add_voter(
          up, cluster_id,
          {plan.replica, model::broker_host(model(), node), model::kControllerPort}));
  d_.writer.event(*object_, false, "VoterAdded", fmt::format("node {} votes now", id));
  return {};
}

StepResult ClusterPass::roll() {
  std::vector<plan::RollBroker> brokers;
  bool outdated = false;
  for (const model::AnchorNode& node : anchor_.nodes) {
    BrokerPod each = pod_of(node.id);
    std::string wanted = model::template_hash(model(), node), has, next;
    if (each.pod) has = kube::annotation_of(*each.pod, model::kTemplateAnnotation);
    if (kube::ObjectPtr set = stateful_set_of(node.id)) next = model::next_template_hash(*set);
    bool old = (each.pod && has != wanted) || (!next.empty() && next != wanted);
    if (old && each.pod && kube::is_deleting(*each.pod))
      return requeue_after(kEventComes, "Restarting",
                           "waiting for pod " + kube::name_of(*each.pod) + " to be replaced");
    bool begun = each.pod && !next.empty() && next != has;
    brokers.push_back({node.id, each.health, old, begun, node.witness});
    outdated |= old;
  }
  if (!outdated) return done();
  plan::RollPlan plan = plan::plan_roll(brokers, roll_evidence());
  operation_ = Operation{"Roll", plan.next.value_or(-1), plan.remaining};
  if (!plan.restart) return requeue_after(kAskAgain, "Restarting", plan.why);
  return restart(plan);
}

/// The node's turn: first what its next pod is made from, then the pod.
StepResult ClusterPass::restart(const plan::RollPlan& plan) {
  for (const model::AnchorNode& node : anchor_.nodes) {
    if (node.id != *plan.restart) continue;
    StepResult applied = apply_broker(node, Turn::kHasCome);
    if (!is_done(applied)) return applied;
  }
  std::string name = model::broker_name(cluster_.name, anchor_.region, *plan.restart);
  // Asked for, not looked up: a pod that goes before the new template is seen comes back as it was.
  LH_ASSIGN(Json set, ask_for(kube::kStatefulSet, *plan.restart));
  if (!is_observed(set))
    return requeue_after(kEventComes, "Restarting",
                         "waiting for StatefulSet " + name + " to take its template over");
  kube::ObjectPtr pod = pod_of(*plan.restart).pod;
  std::string waiting = "waiting for pod " + name + "-0 to be replaced";
  if (!pod ||
      kube::annotation_of(*pod, model::kTemplateAnnotation) == model::next_template_hash(set))
    return requeue_after(kEventComes, "Restarting", waiting);
  d_.writer.event(*object_, !plan.gap.empty(), "Restarting",
                  "pod " + kube::name_of(*pod) + " is replaced to take over a new configuration" +
                      (plan.gap.empty() ? "" : "; meanwhile " + plan.gap));
  LH_TRY(d_.writer.remove(kube::kPod, *pod));
  return requeue_after(kEventComes, "Restarting", waiting);
}

base::Result<plan::RollEvidence> ClusterPass::roll_evidence() {
  // The values that count shall be those that are looked at.
  if (options_left_.kind == Outcome::Kind::kRequeue)
    return base::fail(base::Errc::kUnavailable, options_left_.why);
  if (!quorum_)
    return base::fail(base::Errc::kUnavailable,
                      unsettled_.empty() ? "no broker is ready" : unsettled_);
  plan::RollEvidence evidence;
  evidence.quorum = *quorum_;
  Addresses up = ready_addresses(pods());
  LH_ASSIGN(ClusterState state, d_.kafka.describe_cluster(up));
  evidence.brokers = std::move(state.brokers);
  LH_ASSIGN(evidence.partitions, d_.kafka.list_partitions(up));
  return evidence;
}

StepResult ClusterPass::brokers() {
  operation_ = growth();
  std::vector<BrokerPod> all = pods();
  for (const BrokerPod& broker : all)
    if (!broker.ready)
      return requeue_after(
          kEventComes, "BrokersNotReady",
          fmt::format("waiting for pod {}-0 to be ready",
                      model::broker_name(cluster_.name, anchor_.region, broker.node_id)));
  auto state = d_.kafka.describe_cluster(ready_addresses(all));
  if (!state) return requeue_after(kAskAgain, "BrokersNotReady", state.error().message);
  if (state->cluster_id != anchor_.cluster_id.to_string())
    return blocked("WrongCluster", "the brokers belong to cluster " + state->cluster_id +
                                       ", not to " + anchor_.cluster_id.to_string());
  for (const BrokerPod& broker : all)
    if (!broker.witness && std::find(state->brokers.begin(), state->brokers.end(),
                                     broker.node_id) == state->brokers.end())
      return requeue_after(kAskAgain, "BrokersNotReady",
                           fmt::format("broker {} is not registered", broker.node_id));
  return done();
}

/// A roll ends when every replica is in sync again.
StepResult ClusterPass::settled() {
  if (operation_kind(*object_) != "Roll") return done();
  LH_ASSIGN(auto partitions, d_.kafka.list_partitions(ready_addresses(pods())));
  std::string why = plan::missing_replica(partitions);
  return why.empty() ? done() : requeue_after(kAskAgain, "Restarting", std::move(why));
}

/// What is left of a growth that began, for none of the brokers that came may work yet.
std::optional<Operation> ClusterPass::growth() const {
  if (operation_ || operation_kind(*object_) != "ScaleOut") return operation_;
  Operation out{"ScaleOut", -1, {}};
  for (const Json& id : kube::at_path(*object_, {"status", "operation", "remaining"}))
    if (id.is_number_integer() && !pod_of(id).ready) out.remaining.push_back(id);
  if (!out.remaining.empty()) out.node = out.remaining[0];
  return out;
}

StepResult ClusterPass::quorum() {
  if (unsettled_.empty()) return options_left_.is_done() ? settled() : options_left_;
  return requeue_after(kCatchingUp, "VotersNotReady", unsettled_);
}

}  // namespace longhaul::op::reconcile
