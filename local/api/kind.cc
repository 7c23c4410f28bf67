#include "local/api/kind.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::string_at;

Kind builtin(std::string group, std::string version, std::string name, std::string plural,
             std::string short_name, bool has_status, bool has_generation) {
  Kind kind{std::move(group), std::move(version), std::move(name), std::move(plural), ""};
  kind.singular = kind.name;
  for (char& c : kind.singular) c = static_cast<char>(std::tolower(c));
  if (!short_name.empty()) kind.short_names.push_back(std::move(short_name));
  kind.has_status = has_status;
  kind.has_generation = has_generation;
  kind.schema = builtin_schema(kind.name);
  for (const char* everyday : {"Pod", "Service", "StatefulSet"})
    if (kind.name == everyday) kind.categories = {"all"};
  return kind;
}

std::vector<Kind> builtin_kinds() {
  const std::string rbac = "rbac.authorization.k8s.io";
  std::vector<Kind> kinds{
      builtin("", "v1", "Namespace", "namespaces", "ns", true, false),
      builtin("", "v1", "Pod", "pods", "po", true, false),
      builtin("", "v1", "Service", "services", "svc", true, false),
      builtin("", "v1", "ConfigMap", "configmaps", "cm", false, false),
      builtin("", "v1", "Secret", "secrets", "", false, false),
      builtin("", "v1", "ServiceAccount", "serviceaccounts", "sa", false, false),
      builtin("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", true, false),
      builtin("", "v1", "Event", "events", "ev", false, false),
      builtin("apps", "v1", "StatefulSet", "statefulsets", "sts", true, true),
      builtin("apps", "v1", "ControllerRevision", "controllerrevisions", "", false, false),
      builtin("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", true, true),
      builtin("coordination.k8s.io", "v1", "Lease", "leases", "", false, false),
      builtin(rbac, "v1", "Role", "roles", "", false, false),
      builtin(rbac, "v1", "RoleBinding", "rolebindings", "", false, false),
      builtin(rbac, "v1", "ClusterRole", "clusterroles", "", false, false),
      builtin(rbac, "v1", "ClusterRoleBinding", "clusterrolebindings", "", false, false),
      builtin("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
              "crd", true, true),
  };
  for (Kind& kind : kinds)
    kind.namespaced = kind.name != "Namespace" && kind.name != "CustomResourceDefinition" &&
                      !kind.name.starts_with("Cluster");
  return kinds;
}

void set_columns(Kind& kind, std::string_view name, std::vector<Column> columns) {
  if (kind.name == name) kind.columns = std::move(columns);
}

void add_builtin_columns(Kind& kind) {
  set_columns(kind, "Namespace", {{"Status", "string", ".status.phase"}});
  set_columns(kind, "Pod",
              {{"Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"},
               {"Status", "string", ".status.phase"},
               {"Restarts", "integer", ".status.containerStatuses[0].restartCount"},
               {"IP", "string", ".status.podIP"}});
  set_columns(kind, "Service",
              {{"Type", "string", ".spec.type"}, {"Cluster-IP", "string", ".spec.clusterIP"}});
  set_columns(
      kind, "PersistentVolumeClaim",
      {{"Status", "string", ".status.phase"}, {"Capacity", "string", ".status.capacity.storage"}});
  set_columns(kind, "Event",
              {{"Type", "string", ".type"},
               {"Reason", "string", ".reason"},
               {"Object", "string", ".involvedObject.name"},
               {"Message", "string", ".message"}});
  set_columns(
      kind, "StatefulSet",
      {{"Ready", "integer", ".status.readyReplicas"}, {"Desired", "integer", ".spec.replicas"}});
  set_columns(kind, "Lease", {{"Holder", "string", ".spec.holderIdentity"}});
}

Answer<Kind> kind_of_definition(const Json& definition) {
  Kind kind;
  kind.custom = kind.has_generation = true;
  kind.group = string_at(definition, {"spec", "group"});
  kind.name = string_at(definition, {"spec", "names", "kind"});
  kind.plural = string_at(definition, {"spec", "names", "plural"});
  kind.singular = string_at(definition, {"spec", "names", "singular"});
  kind.namespaced = string_at(definition, {"spec", "scope"}) != "Cluster";
  for (const Json& name : at_path(definition, {"spec", "names", "shortNames"}))
    if (name.is_string()) kind.short_names.push_back(name);
  for (const Json& name : at_path(definition, {"spec", "names", "categories"}))
    if (name.is_string()) kind.categories.push_back(name);
  if (kind.group.empty() || kind.name.empty() || kind.plural.empty())
    return refuse(422, "Invalid", "spec.group, spec.names.kind and spec.names.plural are required");
  for (const Json& version : at_path(definition, {"spec", "versions"})) {
    if (at_path(version, {"storage"}) != true) continue;
    kind.version = string_at(version, {"name"});
    kind.has_status = at_path(version, {"subresources", "status"}).is_object();
    const Json& schema = at_path(version, {"schema", "openAPIV3Schema"});
    LH_ASSIGN(kind.schema, parse_schema(schema));
    for (const Json& column : at_path(version, {"additionalPrinterColumns"}))
      kind.columns.push_back({string_at(column, {"name"}), string_at(column, {"type"}, "string"),
                              string_at(column, {"jsonPath"}),
                              static_cast<int>(op::kube::int_at(column, {"priority"}))});
  }
  if (kind.version.empty())
    return refuse(422, "Invalid", "spec.versions: one version must have storage: true");
  if (kind.singular.empty()) {
    kind.singular = kind.name;
    for (char& c : kind.singular) c = static_cast<char>(std::tolower(c));
  }
  return kind;
}

}  // namespace

std::string Kind::api_version() const { return group.empty() ? version : group + "/" + version; }
std::string Kind::resource() const { return group.empty() ? plural : plural + "." + group; }
std::string Kind::qualified_name() const { return group.empty() ? name : name + "." + group; }

Kinds::Kinds() {
  std::vector<Kind> builtins = builtin_kinds();
  for (Kind& kind : builtins) {
    add_builtin_columns(kind);
    kinds_.push_back(std::make_shared<Kind>(std::move(kind)));
  }
}

Kind::Ptr Kinds::find(std::string_view group, std::string_view version,
                      std::string_view plural) const {
  for (const Kind::Ptr& kind : kinds_)
    if (kind->plural == plural && kind->group == group && kind->version == version) return kind;
  return nullptr;
}

Kind::Ptr Kinds::find_by_kind(std::string_view api_version, std::string_view name) const {
  for (const Kind::Ptr& kind : kinds_)
    if (kind->name == name && kind->api_version() == api_version) return kind;
  return nullptr;
}

Kind::Ptr Kinds::find_by_resource(std::string_view resource) const {
  for (const Kind::Ptr& kind : kinds_)
    if (kind->resource() == resource) return kind;
  return nullptr;
}

Answer<void> Kinds::define(const Json& definition) {
  LH_ASSIGN(Kind kind, kind_of_definition(definition));
  if (Kind::Ptr old = find_by_resource(kind.resource()); old && !old->custom)
    return refuse(422, "Invalid", kind.resource() + " is a built-in resource");
  undefine(kind.resource());
  kinds_.push_back(std::make_shared<Kind>(std::move(kind)));
  return {};
}

void Kinds::undefine(std::string_view resource) {
  std::erase_if(
      kinds_, [&](const Kind::Ptr& kind) { return kind->custom && kind->resource() == resource; });
}

}  // namespace longhaul::local
