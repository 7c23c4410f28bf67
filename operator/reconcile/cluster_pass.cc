#include "operator/reconcile/cluster_pass.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/kube/difference.h"

namespace longhaul::op::reconcile {
namespace {

using kube::Json;
using namespace std::chrono_literals;

/// For states whose end no watch tells us of.
constexpr auto kAskAgain = 2s;
/// For states whose end is an event: only in case it was missed.
constexpr auto kEventComes = 30s;

}  // namespace

ClusterPass::ClusterPass(Dependencies& dependencies, kube::ObjectPtr object)
    : d_(dependencies), object_(std::move(object)) {}

Verdict ClusterPass::run() {
  struct Step {
    const char* name;
    StepResult (ClusterPass::*run)();
  };
  static constexpr Step kSteps[] = {
      {"validate", &ClusterPass::validate}, {"anchor", &ClusterPass::anchor},
      {"config", &ClusterPass::config},     {"stateful-sets", &ClusterPass::stateful_sets},
      {"birth", &ClusterPass::birth},       {"services", &ClusterPass::services},
      {"roll", &ClusterPass::roll},         {"brokers", &ClusterPass::brokers},
  };
  Verdict verdict;
  for (const Step& step : kSteps) {
    verdict.result = (this->*step.run)();
    if (verdict.result && verdict.result->is_done()) continue;
    verdict.step = step.name;
    break;
  }
  if (!anchor_map_) return verdict;
  auto all = pods();
  auto up = std::count_if(all.begin(), all.end(), [](const BrokerPod& pod) { return pod.ready; });
  verdict.good = fmt::format("{} of {} brokers are ready", up, all.size());
  if (anchor_.birth == model::Birth::kFounded && up < static_cast<int64_t>(all.size()))
    verdict.degraded = verdict.good;
  return verdict;
}

model::RegionModel ClusterPass::model() const { return {cluster_, *object_, anchor_, d_.model}; }

std::vector<BrokerPod> ClusterPass::pods() const {
  std::vector<BrokerPod> out;
  for (const model::AnchorNode& node : anchor_.nodes)
    out.push_back(
        broker_pod(d_.caches, cluster_.name_space, cluster_.name, anchor_.region, node.id));
  return out;
}

StepResult ClusterPass::validate() {
  api::FieldErrors errors;
  cluster_ = api::read_kafka_cluster(*object_, errors);
  if (errors.empty()) errors = api::validate(cluster_);
  if (!errors.empty()) return blocked("Invalid", api::join(errors));
  std::vector<std::string> missing = api::not_implemented(cluster_);
  if (missing.empty()) return done();
  std::string paths;
  for (const std::string& path : missing) paths += (paths.empty() ? "" : ", ") + path;
  return blocked("NotImplemented", paths + (missing.size() == 1 ? " is" : " are") +
                                       " not implemented in this version");
}

std::string ClusterPass::sets_selector() const {
  return model::selector(model::region_labels(cluster_.name, cluster_.regions[0].name));
}

StepResult ClusterPass::anchor() {
  const std::string& region = cluster_.regions[0].name;
  kube::ObjectKey key{cluster_.name_space, model::anchor_name(cluster_.name, region)};
  anchor_map_ = d_.caches.get(kube::kConfigMap, key);
  // What the cache shows may be old. "founded" never changes again; everything else is asked for.
  bool founded = false;
  if (anchor_map_) {
    LH_ASSIGN(anchor_, model::read_anchor(*anchor_map_));
    founded = anchor_.birth == model::Birth::kFounded;
  }
  if (!founded) {
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

/// What of the spec contradicts the identity that the region already has.
StepResult ClusterPass::check_changes() {
  const api::Zone& zone = cluster_.regions[0].zones[0];
  if (zone.name != anchor_.founder().zone)
    return blocked("NotImplemented", "spec.regions[0].zones[0].name: moving brokers from zone " +
                                         anchor_.founder().zone + " to " + zone.name +
                                         " is not implemented in this version");
  // Whether it goes with the KafkaCluster follows spec.regions[].storage.retain.
  Json desired = model::to_config_map(anchor_, cluster_, *object_);
  const Json& owners = kube::at_path(*anchor_map_, {"metadata", "ownerReferences"});
  if (desired["metadata"].value("ownerReferences", Json()) == owners) return done();
  LH_TRY(put_anchor(anchor_));
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

base::Result<void> ClusterPass::apply(const kube::ResourceType& type, Json desired) {
  kube::ObjectPtr live = d_.caches.get(type, kube::key_of(desired));
  LH_TRY(d_.writer.apply(type, std::move(desired), live.get()));
  return {};
}

StepResult ClusterPass::config() {
  LH_TRY(apply(kube::kServiceAccount, model::service_account(model())));
  LH_TRY(apply(kube::kPodDisruptionBudget, model::pod_disruption_budget(model())));
  for (const model::AnchorNode& node : anchor_.nodes)
    LH_TRY(apply(kube::kConfigMap, model::broker_config_map(model(), node)));
  return done();
}

StepResult ClusterPass::check_volumes(const model::AnchorNode& node, const Json& live) const {
  Json desired = model::stateful_set(model(), node);
  std::string where = kube::first_difference(desired["spec"]["volumeClaimTemplates"],
                                             kube::at_path(live, {"spec", "volumeClaimTemplates"}));
  if (where.empty()) return done();
  return blocked("NotImplemented",
                 "spec.regions[0].storage.volumes[0]: changing the volume of a broker that exists "
                 "is not implemented in this version");
}

StepResult ClusterPass::stateful_sets() {
  for (const model::AnchorNode& node : anchor_.nodes) {
    Json desired = model::stateful_set(model(), node);
    if (kube::ObjectPtr live = d_.caches.get(kube::kStatefulSet, kube::key_of(desired))) {
      StepResult fits = check_volumes(node, *live);
      if (!fits || !fits->is_done()) return fits;
      // The size is the same by value; its text ("1024Mi" for "1Gi") cannot be changed.
      const Json& claim = kube::at_path(*live, {"spec", "volumeClaimTemplates"})[0];
      desired["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] =
          kube::string_at(claim, {"spec", "resources", "requests", "storage"});
    }
    LH_TRY(apply(kube::kStatefulSet, std::move(desired)));
  }
  return done();
}

StepResult ClusterPass::birth() {
  if (anchor_.birth == model::Birth::kFounding) {
    StepResult founded = found();
    if (!founded || !founded->is_done()) return founded;
    StepResult again = stateful_sets();
    if (!again || !again->is_done()) return again;
  }
  // Nobody may reach the region while a pod that is made anew could still found it.
  for (const model::AnchorNode& node : anchor_.nodes) {
    Json desired = model::stateful_set(model(), node);
    kube::ObjectPtr live = d_.caches.get(kube::kStatefulSet, kube::key_of(desired));
    if (!live || !is_observed(*live) ||
        !kube::first_difference(desired["spec"]["template"], (*live)["spec"]["template"]).empty())
      return requeue_after(
          kEventComes, "Founding",
          "waiting for StatefulSet " + kube::name_of(desired) + " to take its template over");
  }
  return done();
}

StepResult ClusterPass::found() {
  BrokerPod founder = pods().front();
  std::string name = model::broker_name(cluster_.name, anchor_.region, founder.node_id) + "-0";
  if (!founder.ready)
    return requeue_after(kEventComes, "Founding", "waiting for pod " + name + " to be ready");
  auto state = d_.kafka.describe_cluster(ready_addresses({founder}, cluster_.listeners[0].port));
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

StepResult ClusterPass::services() {
  LH_TRY(apply(kube::kService, model::headless_service(model())));
  LH_TRY(apply(kube::kService, model::bootstrap_service(model())));
  return done();
}

StepResult ClusterPass::roll() {
  for (const model::AnchorNode& node : anchor_.nodes) {
    BrokerPod broker =
        broker_pod(d_.caches, cluster_.name_space, cluster_.name, anchor_.region, node.id);
    if (!broker.pod) continue;
    if (kube::annotation_of(*broker.pod, model::kTemplateAnnotation) ==
        model::template_hash(model(), node))
      continue;
    std::string name = kube::name_of(*broker.pod);
    if (!kube::is_deleting(*broker.pod)) {
      d_.writer.event(*object_, false, "Restarting",
                      "pod " + name + " is replaced to take over a new configuration; it is the " +
                          "only broker, so clients have to wait");
      LH_TRY(d_.writer.remove(kube::kPod, *broker.pod));
    }
    return requeue_after(kEventComes, "Restarting", "waiting for pod " + name + " to be replaced");
  }
  return done();
}

StepResult ClusterPass::brokers() {
  std::vector<BrokerPod> all = pods();
  for (const BrokerPod& broker : all)
    if (!broker.ready)
      return requeue_after(
          kEventComes, "BrokersNotReady",
          fmt::format("waiting for pod {}-0 to be ready",
                      model::broker_name(cluster_.name, anchor_.region, broker.node_id)));
  auto state = d_.kafka.describe_cluster(ready_addresses(all, cluster_.listeners[0].port));
  if (!state) return requeue_after(kAskAgain, "BrokersNotReady", state.error().message);
  if (state->cluster_id != anchor_.cluster_id.to_string())
    return blocked("WrongCluster", "the brokers belong to cluster " + state->cluster_id +
                                       ", not to " + anchor_.cluster_id.to_string());
  for (const BrokerPod& broker : all)
    if (std::find(state->brokers.begin(), state->brokers.end(), broker.node_id) ==
        state->brokers.end())
      return requeue_after(kAskAgain, "BrokersNotReady",
                           fmt::format("broker {} is not registered", broker.node_id));
  return done();
}

Json ClusterPass::region_status() const {
  auto all = pods();
  auto up = std::count_if(all.begin(), all.end(), [](const BrokerPod& pod) { return pod.ready; });
  Json region{{"name", anchor_.region}, {"brokers", all.size()}, {"readyBrokers", up}};
  if (anchor_.birth != model::Birth::kFounded) return region;
  region["clusterId"] = anchor_.cluster_id.to_string();
  if (d_.model.advertise == model::Advertise::kDns) {
    region["bootstrapServers"] = model::bootstrap_address(model());
    return region;
  }
  std::string addresses;
  for (const std::string& address : ready_addresses(all, cluster_.listeners[0].port))
    addresses += (addresses.empty() ? "" : ",") + address;
  if (!addresses.empty()) region["bootstrapServers"] = addresses;
  return region;
}

Json ClusterPass::status(const Verdict& verdict) const {
  Json status{{"observedGeneration", kube::generation_of(*object_)}};
  if (anchor_map_) {
    Json region = region_status();
    status["brokers"] = region["brokers"];
    status["readyBrokers"] = region["readyBrokers"];
    status["regions"] = Json::array({std::move(region)});
  } else {
    // The spec cannot be read now; what was known stays.
    for (const char* field : {"brokers", "readyBrokers", "regions"})
      if (const Json& old = kube::at_path(*object_, {"status", field}); !old.is_null())
        status[field] = old;
  }
  status["conditions"] = conditions_after(*object_, verdict, kube::format_time(d_.clock.wall_ms()));
  return status;
}

}  // namespace longhaul::op::reconcile
