// The kinds of Kubernetes objects that the operator and `local` know, and their paths.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace longhaul::op::kube {

/// One kind of object, as discovery would describe it.
struct ResourceType {
  std::string_view group;  // "" for the core group
  std::string_view version;
  std::string_view kind;
  std::string_view plural;    // as in paths
  std::string_view singular;  // as on command lines
  std::span<const std::string_view> short_names;
  bool namespaced = true;
  bool has_status = false;  // there is a /status subresource

  /// "v1" or "apps/v1".
  std::string api_version() const;
  /// "/api/v1" or "/apis/apps/v1".
  std::string group_path() const;
  /// The collection's path: "/apis/apps/v1/namespaces/NS/statefulsets". An empty `name_space` (or
  /// a kind that has none) gives the collection over all namespaces.
  std::string collection_path(std::string_view name_space) const;
  /// One object's path.
  std::string object_path(std::string_view name_space, std::string_view name) const;
};

extern const ResourceType kNamespace;
extern const ResourceType kPod;
extern const ResourceType kService;
extern const ResourceType kConfigMap;
extern const ResourceType kSecret;
extern const ResourceType kServiceAccount;
extern const ResourceType kPersistentVolumeClaim;
extern const ResourceType kEvent;
extern const ResourceType kStatefulSet;
extern const ResourceType kPodDisruptionBudget;
extern const ResourceType kLease;
extern const ResourceType kCustomResourceDefinition;
extern const ResourceType kKafkaCluster;
extern const ResourceType kKafkaTopic;

/// All of the above.
std::span<const ResourceType* const> all_resource_types();

/// Null if the kind is not one of ours.
const ResourceType* find_resource_type(std::string_view api_version, std::string_view kind);
const ResourceType* find_resource_type_by_plural(std::string_view group, std::string_view version,
                                                 std::string_view plural);

}  // namespace longhaul::op::kube
