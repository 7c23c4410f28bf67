// What a KafkaCluster may take for its own, and which changes of the spec its region bears.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/reconcile/cluster_pass.h"

namespace longhaul::op::reconcile {

using kube::Json;

/// The anchor is this KafkaCluster's, and stays.
StepResult ClusterPass::check_identity() {
  const std::string& region = cluster_.regions[0].name;
  if (!model::is_of_region(*anchor_map_, cluster_.name, region) || anchor_.region != region ||
      anchor_.ordinal != 0)
    return blocked("NameTaken",
                   fmt::format("ConfigMap {} is the anchor of region {} of KafkaCluster {}: two "
                               "clusters cannot share the names of their objects, choose another "
                               "metadata.name or spec.regions[0].name",
                               kube::name_of(*anchor_map_), anchor_.region,
                               kube::label_of(*anchor_map_, model::kClusterLabel)));
  const Json& owners = kube::at_path(*anchor_map_, {"metadata", "ownerReferences"});
  for (const Json& owner : owners)
    if (kube::string_at(owner, {"uid"}) != kube::uid_of(*object_))
      return requeue_after(
          kEventComes, "Founding",
          fmt::format("ConfigMap {} and the volumes go with an earlier KafkaCluster "
                      "of this name (storage.retain: false); waiting for their end",
                      kube::name_of(*anchor_map_)));
  std::string all = model::selector({{model::kClusterLabel, cluster_.name}});
  return check_other_regions(d_.caches.list(kube::kConfigMap, cluster_.name_space, all));
}

/// A region that was founded is not forgotten because the spec has another name by now: beside it,
/// a second one would begin with nothing.
StepResult ClusterPass::check_other_regions(const std::vector<kube::ObjectPtr>& maps) const {
  const std::string& wanted = cluster_.regions[0].name;
  for (const kube::ObjectPtr& map : maps) {
    std::string region = kube::label_of(*map, model::kRegionLabel);
    if (region == wanted || kube::name_of(*map) != model::anchor_name(cluster_.name, region))
      continue;
    return blocked("NotImplemented",
                   fmt::format("spec.regions[0].name: the region was founded as {} (ConfigMap {}) "
                               "and cannot be renamed; give it its name back, or delete that "
                               "region's StatefulSets, volumes and anchor, with all data",
                               region, kube::name_of(*map)));
  }
  return done();
}

bool ClusterPass::is_ours(const Json& object) const {
  for (const Json& owner : kube::at_path(object, {"metadata", "ownerReferences"}))
    if (kube::string_at(owner, {"uid"}) == kube::uid_of(*object_)) return true;
  return model::is_of_region(object, cluster_.name, anchor_.region);
}

StepResult ClusterPass::check_broker_names(const model::AnchorNode& node) {
  std::string name = model::broker_name(cluster_.name, anchor_.region, node.id);
  StepResult set = check_name(kube::kStatefulSet, name);
  if (!is_done(set) || stateful_set_of(node.id)) return set;
  // A StatefulSet takes a volume for its own by the name.
  return check_name(kube::kPersistentVolumeClaim,
                    model::claim_name(cluster_.name, anchor_.region, node.id));
}

StepResult ClusterPass::check_name(const kube::ResourceType& type, const std::string& name) {
  kube::ObjectPtr known = d_.caches.get(type, {cluster_.name_space, name});
  if (known && is_ours(*known)) return done();
  // Caches hold only what has the operator's label.
  LH_ASSIGN(Json found,
            kube::call(d_.writer.transport(), kube::find(type, cluster_.name_space, name)));
  const Json& items = kube::at_path(found, {"items"});
  if (items.empty() || is_ours(items[0])) return done();
  return blocked("NameTaken",
                 fmt::format("{} {} is there and is not of this KafkaCluster: delete it, or choose "
                             "another metadata.name or spec.regions[0].name",
                             type.kind, name));
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
      if (!is_done(fits)) return fits;
    }
  StepResult reachable = check_listeners();
  if (!is_done(reachable)) return reachable;
  model::Anchor wanted = anchor_;
  bool grows = model::add_nodes(wanted, cluster_.regions[0]);
  // Whether it goes with the KafkaCluster follows spec.regions[].storage.retain.
  Json desired = model::to_config_map(wanted, cluster_, *object_);
  const Json& owners = kube::at_path(*anchor_map_, {"metadata", "ownerReferences"});
  if (!grows && desired["metadata"].value("ownerReferences", Json()) == owners) return done();
  // Node IDs are written down before anybody has them.
  size_t before = anchor_.nodes.size();
  LH_TRY(put_anchor(wanted));
  if (grows) {
    operation_ = Operation{"ScaleOut", anchor_.nodes[before].id, {}};
    for (size_t i = before; i < anchor_.nodes.size(); ++i)
      operation_->remaining.push_back(anchor_.nodes[i].id);
  }
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

}  // namespace longhaul::op::reconcile
