#include <nlohmann/json.hpp>

#include "operator/model/desired.h"

namespace longhaul::op::model {
namespace {

using kube::Json;

constexpr const char* kDataPath = "/var/lib/longhaul/data";
constexpr const char* kConfigPath = "/etc/longhaul";
constexpr const char* kMayFound = "found";
constexpr int kUser = 1000;
constexpr int kGraceSeconds = 120;

std::string name_of(const RegionModel& model, const AnchorNode& node) {
  return broker_name(model.cluster.name, model.region().name, node.id);
}

Json field_env(const char* name, const char* path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

Json environment(const RegionModel& model, const AnchorNode& node) {
  Json host = field_env("LONGHAUL_ADVERTISED_HOST", "status.podIP");
  if (model.options.advertise == Advertise::kDns)
    host = {{"name", "LONGHAUL_ADVERTISED_HOST"}, {"value", broker_host(model, node)}};
  return Json::array({field_env("POD_IP", "status.podIP"),
                      field_env("POD_NAME", "metadata.name"),
                      host,
                      {{"name", "LONGHAUL_DATA"}, {"value", kDataPath}}});
}

/// Permission to found exists only while the anchor says so (docs/decisions/0002-birth.md).
Json format_environment(const RegionModel& model, const AnchorNode& node) {
  bool founds = model.anchor.birth == Birth::kFounding && node.id == model.anchor.founder().id;
  return {{"name", kFormatVariable}, {"value", founds ? kMayFound : "join"}};
}

Json probe(const char* path, int period_seconds, int failures) {
  return {{"httpGet", {{"path", path}, {"port", "health"}}},
          {"periodSeconds", period_seconds},
          {"timeoutSeconds", 5},
          {"failureThreshold", failures}};
}

Json ports(const RegionModel& model, const AnchorNode& node) {
  Json list = Json::array();
  for (const api::Listener& listener : model.cluster.listeners)
    if (!node.witness)
      list.push_back(
          {{"name", listener.name}, {"containerPort", listener.port}, {"protocol", "TCP"}});
  list.push_back({{"name", "controller"}, {"containerPort", kControllerPort}, {"protocol", "TCP"}});
  list.push_back({{"name", "health"}, {"containerPort", kHealthPort}, {"protocol", "TCP"}});
  return list;
}

Json resources(const api::Resources& given) {
  Json out = Json::object();
  if (!given.requests.empty()) out["requests"] = given.requests;
  if (!given.limits.empty()) out["limits"] = given.limits;
  return out;
}

Json container(const RegionModel& model, const AnchorNode& node) {
  const api::KafkaCluster& cluster = model.cluster;
  return {{"name", "broker"},
          {"image", cluster.image.empty() ? model.options.image_repository + ":" + cluster.version
                                          : cluster.image},
          {"command", {"longhaul-broker", std::string(kConfigPath) + "/server.properties"}},
          {"env", environment(model, node)},
          {"ports", ports(model, node)},
          {"resources", resources(model.region().resources)},
          {"startupProbe", probe("/livez", 1, 600)},  // recovery of a large log takes time
          {"livenessProbe", probe("/livez", 10, 6)},
          {"readinessProbe", probe("/readyz", 2, 2)},
          {"securityContext",
           {{"allowPrivilegeEscalation", false},
            {"readOnlyRootFilesystem", true},
            {"capabilities", {{"drop", {"ALL"}}}}}},
          {"volumeMounts",
           Json::array({{{"name", "config"}, {"mountPath", kConfigPath}, {"readOnly", true}},
                        {{"name", "data"}, {"mountPath", kDataPath}}})}};
}

/// A pod goes to the nodes of its zone, if nodes say which zone they are in, and not where another
/// broker of the region is, if there is room elsewhere.
Json affinity(const RegionModel& model, const AnchorNode& node) {
  Json in_zone{{"key", "topology.kubernetes.io/zone"}, {"operator", "In"}, {"values", {node.zone}}};
  Json others{
      {"labelSelector", {{"matchLabels", region_labels(model.cluster.name, model.region().name)}}},
      {"topologyKey", "kubernetes.io/hostname"}};
  return {{"nodeAffinity",
           {{"preferredDuringSchedulingIgnoredDuringExecution",
             Json::array({{{"weight", 100},
                           {"preference", {{"matchExpressions", Json::array({in_zone})}}}}})}}},
          {"podAntiAffinity",
           {{"preferredDuringSchedulingIgnoredDuringExecution",
             Json::array({{{"weight", 100}, {"podAffinityTerm", others}}})}}}};
}

Json pod_template(const RegionModel& model, const AnchorNode& node) {
  Json labels = object_labels(model.cluster.name, model.region().name);
  labels[kZoneLabel] = node.zone;
  labels[kNodeIdLabel] = std::to_string(node.id);
  labels[kRoleLabel] = node.witness ? kWitnessRole : kBrokerRole;
  return {
      {"metadata", {{"labels", std::move(labels)}}},
      {"spec",
       {{"serviceAccountName", region_prefix(model.cluster.name, model.region().name)},
        {"automountServiceAccountToken", false},
        {"enableServiceLinks", false},
        {"terminationGracePeriodSeconds", kGraceSeconds},
        {"affinity", affinity(model, node)},
        {"securityContext",
         {{"runAsNonRoot", true},
          {"runAsUser", kUser},
          {"runAsGroup", kUser},
          {"fsGroup", kUser},
          {"fsGroupChangePolicy", "OnRootMismatch"},
          {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
        {"containers", Json::array({container(model, node)})},
        {"volumes",
         Json::array({{{"name", "config"}, {"configMap", {{"name", name_of(model, node)}}}}})}}}};
}

Json data_claim(const RegionModel& model) {
  const api::Volume& volume = model.region().storage.volumes[0];
  Json claim{
      {"apiVersion", "v1"},
      {"kind", "PersistentVolumeClaim"},
      {"metadata",
       {{"name", "data"}, {"labels", object_labels(model.cluster.name, model.region().name)}}},
      {"spec",
       {{"accessModes", {"ReadWriteOnce"}},
        {"resources", {{"requests", {{"storage", volume.size}}}}}}}};
  if (!volume.storage_class_name.empty())
    claim["spec"]["storageClassName"] = volume.storage_class_name;
  return claim;
}

}  // namespace

std::string template_hash(const RegionModel& model, const AnchorNode& node) {
  return stable_hash(pod_template(model, node).dump() + restart_properties(model, node));
}

Json retention_policy(const RegionModel& model) {
  return {{"whenDeleted", model.region().storage.retain ? "Retain" : "Delete"},
          {"whenScaled", "Retain"}};
}

std::string next_template_hash(const Json& set) {
  return kube::string_at(set, {"spec", "template", "metadata", "annotations", kTemplateAnnotation});
}

bool may_found(const Json& pod) {
  for (const Json& container : kube::at_path(pod, {"spec", "containers"}))
    for (const Json& entry : kube::at_path(container, {"env"}))
      if (kube::string_at(entry, {"name"}) == kFormatVariable)
        return kube::string_at(entry, {"value"}) == kMayFound;
  return true;  // not one of ours
}

Json stateful_set(const RegionModel& model, const AnchorNode& node) {
  const std::string& cluster = model.cluster.name;
  const std::string& region = model.region().name;
  Json set = owned_object(model, kube::kStatefulSet, name_of(model, node));
  set["metadata"]["labels"][kZoneLabel] = node.zone;
  set["metadata"]["labels"][kNodeIdLabel] = std::to_string(node.id);
  Json pod = pod_template(model, node);
  pod["metadata"]["annotations"][kTemplateAnnotation] = template_hash(model, node);
  pod["spec"]["containers"][0]["env"].push_back(format_environment(model, node));
  Labels match = region_labels(cluster, region);
  match[kNodeIdLabel] = std::to_string(node.id);
  set["spec"] = {{"replicas", 1},
                 {"serviceName", headless_service_name(cluster, region)},
                 {"selector", {{"matchLabels", match}}},
                 {"podManagementPolicy", "Parallel"},
                 {"updateStrategy", {{"type", "OnDelete"}}},
                 {"persistentVolumeClaimRetentionPolicy", retention_policy(model)},
                 {"template", std::move(pod)},
                 {"volumeClaimTemplates", Json::array({data_claim(model)})}};
  return set;
}

}  // namespace longhaul::op::model
