#include "operator/reconcile/cluster_pass.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/kube/difference.h"

namespace longhaul::op::reconcile {

using kube::Json;

ClusterPass::ClusterPass(Dependencies& dependencies, kube::ObjectPtr object)
    : d_(dependencies), object_(std::move(object)) {}

Verdict ClusterPass::run() {
  struct Step {
    const char* name;
    StepResult (ClusterPass::*run)();
  };
  static constexpr Step kSteps[] = {
      {"validate", &ClusterPass::validate}, {"anchor", &ClusterPass::anchor},
      {"config", &ClusterPass::config},     {"founder", &ClusterPass::founder},
      {"birth", &ClusterPass::birth},       {"services", &ClusterPass::services},
      {"joiners", &ClusterPass::joiners},   {"options", &ClusterPass::options},
      {"voters", &ClusterPass::voters},     {"roll", &ClusterPass::roll},
      {"brokers", &ClusterPass::brokers},   {"quorum", &ClusterPass::quorum},
  };
  Verdict verdict;
  for (const Step& step : kSteps) {
    verdict.result = (this->*step.run)();
    if (verdict.result && verdict.result->is_done()) continue;
    verdict.step = step.name;
    break;
  }
  if (!anchor_map_) return verdict;
  auto [all, up] = count_brokers();
  verdict.good = fmt::format("{} of {} brokers are ready", up, all);
  if (anchor_.birth == model::Birth::kSealed && up < all) verdict.degraded = verdict.good;
  return verdict;
}

model::RegionModel ClusterPass::model() const {
  return {cluster_, *object_, anchor_, d_.model, pod_ips_};
}

BrokerPod ClusterPass::pod_of(int64_t node_id) const {
  return broker_pod(d_.caches, cluster_.name_space, cluster_.name, anchor_.region, node_id);
}

std::vector<BrokerPod> ClusterPass::pods() const {
  std::vector<BrokerPod> out;
  for (const model::AnchorNode& node : anchor_.nodes) out.push_back(pod_of(node.id));
  return out;
}

std::pair<int64_t, int64_t> ClusterPass::count_brokers() const {
  int64_t all = 0, up = 0;
  for (const model::AnchorNode& node : anchor_.nodes) {
    if (node.witness) continue;
    ++all;
    up += pod_of(node.id).ready;
  }
  return {all, up};
}

StepResult ClusterPass::validate() {
  api::FieldErrors errors;
  cluster_ = api::read_kafka_cluster(*object_, errors);
  if (errors.empty()) errors = api::validate(cluster_);
  if (errors.empty()) errors = model::check_effective_config(cluster_);
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

StepResult ClusterPass::apply(const kube::ResourceType& type, Json desired) {
  StepResult free = check_name(type, kube::name_of(desired));
  if (!is_done(free)) return free;
  kube::ObjectPtr live = d_.caches.get(type, kube::key_of(desired));
  LH_TRY(d_.writer.apply(type, std::move(desired), live.get()));
  return done();
}

StepResult ClusterPass::config() {
  for (const BrokerPod& each : pods())
    if (!each.ip.empty()) pod_ips_[each.node_id] = each.ip;
  StepResult account = apply(kube::kServiceAccount, model::service_account(model()));
  if (!is_done(account)) return account;
  return apply(kube::kPodDisruptionBudget, model::pod_disruption_budget(model()));
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

kube::ObjectPtr ClusterPass::stateful_set_of(int64_t node_id) const {
  return d_.caches.get(
      kube::kStatefulSet,
      {cluster_.name_space, model::broker_name(cluster_.name, anchor_.region, node_id)});
}

StepResult ClusterPass::apply_broker(const model::AnchorNode& node, Turn turn) {
  kube::ObjectPtr live = stateful_set_of(node.id);
  // Before that, its template may have to lose the permission to found, whatever else is in it.
  bool sealed = anchor_.birth == model::Birth::kSealed;
  bool waits = turn == Turn::kWaits && sealed && live &&
               model::next_template_hash(*live) != model::template_hash(model(), node);
  StepResult free = check_broker_names(node);
  if (!is_done(free)) return free;
  Json config = model::broker_config_map(model(), node);
  kube::ObjectPtr old = d_.caches.get(kube::kConfigMap, kube::key_of(config));
  if (old && waits) model::keep_lasting_properties(config, *old);
  if (old && !knows_addresses()) model::keep_bootstrap_property(config, *old);
  StepResult configured = apply(kube::kConfigMap, std::move(config));
  if (!is_done(configured)) return configured;
  if (waits) {
    LH_TRY(apply_retention(*live));
    return done();
  }
  Json desired = model::stateful_set(model(), node);
  if (live) {
    // The size is the same by value; its text ("1024Mi" for "1Gi") cannot be changed.
    const Json& claim = kube::at_path(*live, {"spec", "volumeClaimTemplates"})[0];
    desired["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] =
        kube::string_at(claim, {"spec", "resources", "requests", "storage"});
  }
  return apply(kube::kStatefulSet, std::move(desired));
}

/// Whether volumes stay when the KafkaCluster goes is nothing to wait for.
base::Result<void> ClusterPass::apply_retention(const Json& live) {
  constexpr const char* kField = "persistentVolumeClaimRetentionPolicy";
  Json wanted = model::retention_policy(model());
  if (kube::first_difference(wanted, kube::at_path(live, {"spec", kField})).empty()) return {};
  LH_TRY(kube::call(d_.writer.transport(),
                    kube::merge_patch(kube::kStatefulSet, cluster_.name_space, kube::name_of(live),
                                      {{"spec", {{kField, std::move(wanted)}}}})));
  return {};
}

/// Pods have no address while they are made anew: what is not known now was known before.
bool ClusterPass::knows_addresses() const {
  return d_.model.advertise == model::Advertise::kDns || pod_ips_.size() == anchor_.nodes.size();
}

StepResult ClusterPass::founder() { return apply_broker(anchor_.founder()); }

StepResult ClusterPass::joiners() {
  if (d_.model.advertise == model::Advertise::kPodIp && pod_ips_.empty())
    return requeue_after(kEventComes, "BrokersNotReady", "waiting for a pod to have an address");
  for (const model::AnchorNode& node : anchor_.nodes) {
    if (node.id == anchor_.founder().id) continue;
    StepResult applied = apply_broker(node);
    if (!is_done(applied)) return applied;
  }
  return done();
}

StepResult ClusterPass::services() {
  StepResult headless = apply(kube::kService, model::headless_service(model()));
  if (!is_done(headless)) return headless;
  return apply(kube::kService, model::bootstrap_service(model()));
}

/// Who votes and who leads; what was known, if nobody could be asked now.
Json ClusterPass::quorum_status() const {
  if (!quorum_) {
    for (const Json& old : kube::at_path(*object_, {"status", "regions"}))
      if (kube::string_at(old, {"name"}) == anchor_.region) return kube::at_path(old, {"quorum"});
    return {};
  }
  Json voters = Json::array();
  for (const plan::QuorumReplica& voter : quorum_->voters) voters.push_back(voter.id);
  return {{"leader", quorum_->leader}, {"voters", std::move(voters)}};
}

Json ClusterPass::region_status() const {
  auto [all, up] = count_brokers();
  Json region{{"name", anchor_.region}, {"brokers", all}, {"readyBrokers", up}};
  if (anchor_.birth == model::Birth::kFounding) return region;
  region["clusterId"] = anchor_.cluster_id.to_string();
  if (Json quorum = quorum_status(); !quorum.is_null()) region["quorum"] = std::move(quorum);
  if (d_.model.advertise == model::Advertise::kDns) {
    region["bootstrapServers"] = model::bootstrap_address(model());
    return region;
  }
  std::string addresses;
  for (const std::string& address : ready_addresses(pods()))
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
  std::string now = kube::format_time(d_.clock.wall_ms());
  status["conditions"] = conditions_after(*object_, verdict, now);
  Json operation = operation_after(*object_, operation_, verdict, now);
  if (!operation.is_null()) status["operation"] = std::move(operation);
  return status;
}

}  // namespace longhaul::op::reconcile
