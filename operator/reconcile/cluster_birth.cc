// Steps of a KafkaCluster's pass: its identity, and how it is founded
// (docs/decisions/0002-birth.md).
#include <fmt/core.h>

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
  StepResult ours = check_identity();
  if (is_done(ours)) return check_changes();
  anchor_map_ = nullptr;  // nothing of what it says is told as this KafkaCluster's
  return ours;
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
  kube::Scope all{cluster_.name_space, model::selector({{model::kClusterLabel, cluster_.name}})};
  std::vector<kube::ObjectPtr> maps;
  LH_ASSIGN(Json listed,
            kube::call(d_.writer.transport(), kube::list(kube::kConfigMap, all, 0, "")));
  for (Json& map : listed["items"]) maps.push_back(std::make_shared<const Json>(std::move(map)));
  StepResult first = check_other_regions(maps);
  if (!is_done(first)) return first;
  anchor_ = model::make_anchor(cluster_, 0, d_.random);
  // Nor is a name reserved under which somebody else's volumes are, whose own anchor is lost.
  for (const model::AnchorNode& node : anchor_.nodes) {
    StepResult free = check_broker_names(node);
    if (!is_done(free)) return free;
  }
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
  if (anchor_.birth != model::Birth::kSealed) {
    operation_ = Operation{"Found", anchor_.founder().id, {}};
    for (const model::AnchorNode& node : anchor_.nodes) operation_->remaining.push_back(node.id);
  }
  if (anchor_.birth == model::Birth::kFounding) {
    StepResult founded = found();
    if (!is_done(founded)) return founded;
    StepResult again = founder();
    if (!is_done(again)) return again;
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
