#include "operator/kube/resource.h"

#include <array>

namespace longhaul::op::kube {
namespace {

using Names = std::string_view;
constexpr std::array<Names, 1> kNs{"ns"};
constexpr std::array<Names, 1> kPo{"po"};
constexpr std::array<Names, 1> kSvc{"svc"};
constexpr std::array<Names, 1> kCm{"cm"};
constexpr std::array<Names, 1> kSa{"sa"};
constexpr std::array<Names, 1> kPvc{"pvc"};
constexpr std::array<Names, 1> kEv{"ev"};
constexpr std::array<Names, 1> kSts{"sts"};
constexpr std::array<Names, 1> kPdb{"pdb"};
constexpr std::array<Names, 2> kCrd{"crd", "crds"};
constexpr std::array<Names, 2> kKc{"kc", "kcluster"};
constexpr std::array<Names, 2> kKt{"kt", "ktopic"};
constexpr std::string_view kOurs = "longhaul.dev";

}  // namespace

constexpr ResourceType kNamespace{"",          "v1", "Namespace", "namespaces",
                                  "namespace", kNs,  false,       true};
constexpr ResourceType kPod{"", "v1", "Pod", "pods", "pod", kPo, true, true};
constexpr ResourceType kService{"", "v1", "Service", "services", "service", kSvc, true, true};
constexpr ResourceType kConfigMap{"",          "v1", "ConfigMap", "configmaps",
                                  "configmap", kCm,  true,        false};
constexpr ResourceType kSecret{"", "v1", "Secret", "secrets", "secret", {}, true, false};
constexpr ResourceType kServiceAccount{
    "", "v1", "ServiceAccount", "serviceaccounts", "serviceaccount", kSa, true, false};
constexpr ResourceType kPersistentVolumeClaim{
    "",   "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "persistentvolumeclaim", kPvc,
    true, true};
constexpr ResourceType kEvent{"", "v1", "Event", "events", "event", kEv, true, false};
constexpr ResourceType kStatefulSet{"apps",        "v1", "StatefulSet", "statefulsets",
                                    "statefulset", kSts, true,          true};
constexpr ResourceType kPodDisruptionBudget{
    "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "poddisruptionbudget", kPdb,
    true,     true};
constexpr ResourceType kLease{
    "coordination.k8s.io", "v1", "Lease", "leases", "lease", {}, true, false};
constexpr ResourceType kCustomResourceDefinition{"apiextensions.k8s.io",
                                                 "v1",
                                                 "CustomResourceDefinition",
                                                 "customresourcedefinitions",
                                                 "customresourcedefinition",
                                                 kCrd,
                                                 false,
                                                 true};
constexpr ResourceType kKafkaCluster{kOurs,          "v1alpha1", "KafkaCluster", "kafkaclusters",
                                     "kafkacluster", kKc,        true,           true};
constexpr ResourceType kKafkaTopic{kOurs,        "v1alpha1", "KafkaTopic", "kafkatopics",
                                   "kafkatopic", kKt,        true,         true};

std::string ResourceType::api_version() const {
  if (group.empty()) return std::string(version);
  return std::string(group) + "/" + std::string(version);
}

std::string ResourceType::group_path() const {
  return (group.empty() ? "/api/" : "/apis/") + api_version();
}

std::string ResourceType::collection_path(std::string_view name_space) const {
  std::string path = group_path();
  if (namespaced && !name_space.empty()) path.append("/namespaces/").append(name_space);
  return path.append("/").append(plural);
}

std::string ResourceType::object_path(std::string_view name_space, std::string_view name) const {
  return collection_path(name_space).append("/").append(name);
}

std::span<const ResourceType* const> all_resource_types() {
  static constexpr std::array<const ResourceType*, 14> kAll{
      &kNamespace,   &kPod,
      &kService,     &kConfigMap,
      &kSecret,      &kServiceAccount,
      &kEvent,       &kPersistentVolumeClaim,
      &kStatefulSet, &kPodDisruptionBudget,
      &kLease,       &kCustomResourceDefinition,
      &kKafkaTopic,  &kKafkaCluster,
  };
  return kAll;
}

const ResourceType* find_resource_type(std::string_view api_version, std::string_view kind) {
  for (const ResourceType* type : all_resource_types())
    if (type->kind == kind && type->api_version() == api_version) return type;
  return nullptr;
}

const ResourceType* find_resource_type_by_plural(std::string_view group, std::string_view version,
                                                 std::string_view plural) {
  for (const ResourceType* type : all_resource_types())
    if (type->plural == plural && type->group == group && type->version == version) return type;
  return nullptr;
}

}  // namespace longhaul::op::kube
