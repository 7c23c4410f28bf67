// Steps of a KafkaCluster's pass: its identity, and how it is founded
// (docs/decisions/0002-birth.md).
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/reconcile/cluster_pass.h"

namespace longhaul::op::reconcile {

using kube::Json;
using namespace std::chrono_literals;

StepResult ClusterPass::anchor() {
  const std::string& region = cluster_.regions[0].name;
  kube::ObjectKey key{cluster_.name_space, model::anchor_name(cluster_.name, region)};
  anchor_map_ = d_.caches.get(kube::kConfigMap, key);
  // What the cache shows may be old. "sealed" never changes again; everything else is asked for.
  bool sealed = false;
  if (anchor_map_) {
    LH_ASSIGN(anchor_, model::read_anchor(*anchor_map_));
    sealed = anchor_.birth == model::Birth::kSealed;
  }
  if (!sealed) {
    anchor_map_ = nullptr;
    auto live =
        kube::call(d_.writer.transport(), kube::get(kube::kConfigMap, key.name_space, key.name));
    if (!live && live.error().code == base::Errc::kNotFound) return create_anchor();
    if (!live) return tl::unexpected<base::Error>(live.error());
    LH_ASSIGN(anchor_, model::read_anchor(*live));
    anchor_map_ = std::make_shared<const Json>(std::move(*live));
  }
  return check_changes();
}

/// What of the spec goes beyond the identity that the region already has, or contradicts it.
StepResult ClusterPass::check_changes() {
  if (auto surplus = model::surplus_nodes(anchor_, cluster_.regions[0]); !surplus.empty()) {
    std::string ids;
    for (const model::AnchorNode& node : surplus)
      ids += fmt::format("{}{} of zone {}", ids.empty() ? "" : ", ", node.id, node.zone);
    return blocked("NotImplemented",
                   fmt::format("spec.regions[0].zones: removing brokers ({}) or moving them to "
                               "another zone is not implemented in this version",
                               ids));
  }
  // All of these before the first object is changed.
  for (const model::AnchorNode& node : anchor_.nodes)
    if (kube::ObjectPtr live = stateful_set_of(node.id)) {
      StepResult fits = check_volumes(node, *live);
      if (!fits || !fits->is_done()) return fits;
    }
  StepResult reachable = check_listeners();
  if (!reachable || !reachable->is_done()) return reachable;
  model::Anchor wanted = anchor_;
  bool grows = model::add_nodes(wanted, cluster_.regions[0]);
  // Whether it goes with the KafkaCluster follows spec.regions[].storage.retain.
  Json desired = model::to_config_map(wanted, cluster_, *object_);
  const Json& owners = kube::at_path(*anchor_map_, {"metadata", "ownerReferences"});
  if (!grows && desired["metadata"].value("ownerReferences", Json()) == owners) return done();
  // Node IDs are written down before anybody has them.
  LH_TRY(put_anchor(wanted));
  return done();
}

/// While the spec's listeners are taken over, brokers that have them and brokers that have older
/// ones must reach each other.
StepResult ClusterPass::check_listeners() const {
  std::vector<std::string> wanted;
  for (const api::Listener& listener : cluster_.listeners) wanted.push_back(listener.name);
  auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const model::AnchorNode& node : anchor_.nodes) {
    if (anchor_.nodes.size() == 1 || node.witness) continue;
    kube::ObjectPtr set = stateful_set_of(node.id), pod = pod_of(node.id).pod;
    for (const Json& spec : {set ? kube::at_path(*set, {"spec", "template", "spec"}) : Json(),
                             pod ? kube::at_path(*pod, {"spec"}) : Json()}) {
      std::vector<std::string> live = listener_names(spec);
      if (live.empty() || (has(wanted, live[0]) && has(live, wanted[0]))) continue;
      return blocked("NotImplemented",
                     fmt::format("spec.listeners: brokers reach each other at the first listener, "
                                 "and broker {} has {} there; to change {} to {}, let both stand "
                                 "until all brokers have them, then change their order",
                                 node.id, live[0], live[0], wanted[0]));
    }
  }
  return done();
}

StepResult ClusterPass::create_anchor() {
  // Asked for, not looked up: with volumes or brokers there, a new identity would be wrong.
  kube::Scope scope{cluster_.name_space, sets_selector()};
  for (const kube::ResourceType* type : {&kube::kPersistentVolumeClaim, &kube::kStatefulSet}) {
    LH_ASSIGN(Json found, kube::call(d_.writer.transport(), kube::list(*type, scope, 1, "")));
    const Json& items = kube::at_path(found, {"items"});
    if (items.empty()) continue;
    return blocked("AnchorLost",
                   fmt::format("{} {} is there, but ConfigMap {}, which says who founded it, is "
                               "not: restore it from a backup, or delete the region's "
                               "StatefulSets and volumes, with all data, to begin anew",
                               type->kind, kube::name_of(items[0]),
                               model::anchor_name(cluster_.name, cluster_.regions[0].name)));
  }
  anchor_ = model::make_anchor(cluster_, 0, d_.random);
  LH_ASSIGN(Json made, kube::call(d_.writer.transport(),
                                  kube::create(kube::kConfigMap,
                                               model::to_config_map(anchor_, cluster_, *object_))));
  anchor_map_ = std::make_shared<const Json>(std::move(made));
  d_.logger.info("{}: founding region {} with cluster ID {}", cluster_.name, anchor_.region,
                 anchor_.cluster_id.to_string());
  return done();
}

base::Result<void> ClusterPass::put_anchor(const model::Anchor& anchor) {
  Json map = model::to_config_map(anchor, cluster_, *object_);
  map["metadata"]["resourceVersion"] = kube::resource_version_of(*anchor_map_);
  LH_ASSIGN(Json written, kube::call(d_.writer.transport(), kube::replace(kube::kConfigMap, map)));
  anchor_ = anchor;
  anchor_map_ = std::make_shared<const Json>(std::move(written));
  return {};
}

StepResult ClusterPass::birth() {
  if (anchor_.birth == model::Birth::kFounding) {
    StepResult founded = found();
    if (!founded || !founded->is_done()) return founded;
    StepResult again = founder();
    if (!again || !again->is_done()) return again;
  }
  return anchor_.birth == model::Birth::kSealed ? done() : seal();
}

/// A node's StatefulSet or pod, asked for and not looked up; null if there is none.
base::Result<Json> ClusterPass::ask_for(const kube::ResourceType& type, int64_t node_id) {
  model::Labels labels = model::region_labels(cluster_.name, anchor_.region);
  labels[model::kNodeIdLabel] = std::to_string(node_id);
  kube::Scope scope{cluster_.name_space, model::selector(labels)};
  LH_ASSIGN(Json found, kube::call(d_.writer.transport(), kube::list(type, scope, 1, "")));
  const Json& items = kube::at_path(found, {"items"});
  return items.empty() ? Json() : items[0];
}

/// Nobody may join or reach the region while a pod that is made anew, or the founder's own that is
/// only started anew, could still found it.
StepResult ClusterPass::seal() {
  std::string name = model::broker_name(cluster_.name, anchor_.region, anchor_.founder().id);
  LH_ASSIGN(Json set, ask_for(kube::kStatefulSet, anchor_.founder().id));
  if (set.is_null() || !is_observed(set) || model::may_found(set["spec"]["template"]))
    return requeue_after(kEventComes, "Founding",
                         "waiting for StatefulSet " + name + " to take its template over");
  LH_ASSIGN(Json pod, ask_for(kube::kPod, anchor_.founder().id));
  if (!pod.is_null() && !model::may_found(pod)) {
    model::Anchor sealed = anchor_;
    sealed.birth = model::Birth::kSealed;
    LH_TRY(put_anchor(sealed));
    return done();
  }
  if (!pod.is_null() && !kube::is_deleting(pod)) LH_TRY(d_.writer.remove(kube::kPod, pod));
  return requeue_after(
      kEventComes, "Founding",
      "waiting for pod " + name + "-0 to be replaced by one that may not found the region");
}

StepResult ClusterPass::found() {
  BrokerPod founder = pods().front();
  std::string name = model::broker_name(cluster_.name, anchor_.region, founder.node_id) + "-0";
  if (!founder.ready)
    return requeue_after(kEventComes, "Founding", "waiting for pod " + name + " to be ready");
  auto state = d_.kafka.describe_cluster(ready_addresses({founder}));
  if (!state)
    return requeue_after(kAskAgain, "Founding", "pod " + name + ": " + state.error().message);
  std::string expected = anchor_.cluster_id.to_string();
  if (state->cluster_id != expected)
    return blocked("WrongCluster", "the volume of pod " + name + " belongs to cluster " +
                                       state->cluster_id + ", not to " + expected);
  model::Anchor founded = anchor_;
  founded.birth = model::Birth::kFounded;
  LH_TRY(put_anchor(founded));
  d_.writer.event(*object_, false, "Founded",
                  "region " + anchor_.region + " was founded with cluster ID " + expected);
  return done();
}

}  // namespace longhaul::op::reconcile
