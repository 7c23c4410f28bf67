// How the lists and maps of built-in kinds merge, as paths into a kind with their list keys.
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "local/api/schema.h"

namespace longhaul::local {
namespace {

// "path keys": a list of type map with these keys; "path {}": an atomic map; "path =": a set.
// A step over a list's items is "[]".
constexpr std::string_view kMetadata[] = {
    "metadata.ownerReferences uid",
    "metadata.ownerReferences[] {}",
    "metadata.finalizers =",
};

constexpr std::string_view kPodSpec[] = {
    "containers name",
    "containers[].env name",
    "containers[].env[].valueFrom.fieldRef {}",
    "containers[].env[].valueFrom.resourceFieldRef {}",
    "containers[].env[].valueFrom.configMapKeyRef {}",
    "containers[].env[].valueFrom.secretKeyRef {}",
    "containers[].ports containerPort,protocol",
    "containers[].volumeMounts mountPath",
    "containers[].volumeDevices devicePath",
    "initContainers name",
    "initContainers[].env name",
    "initContainers[].env[].valueFrom.fieldRef {}",
    "initContainers[].env[].valueFrom.resourceFieldRef {}",
    "initContainers[].env[].valueFrom.configMapKeyRef {}",
    "initContainers[].env[].valueFrom.secretKeyRef {}",
    "initContainers[].ports containerPort,protocol",
    "initContainers[].volumeMounts mountPath",
    "volumes name",
    "imagePullSecrets name",
    "imagePullSecrets[] {}",
    "hostAliases ip",
    "topologySpreadConstraints topologyKey,whenUnsatisfiable",
    "topologySpreadConstraints[].labelSelector {}",
    "nodeSelector {}",
    "readinessGates conditionType",
};

constexpr std::string_view kStatefulSet[] = {"spec.selector {}", "status.conditions type"};
constexpr std::string_view kService[] = {"spec.ports port,protocol", "spec.selector {}",
                                         "status.conditions type"};
constexpr std::string_view kConditionsAndSelector[] = {"status.conditions type",
                                                       "spec.selector {}"};
constexpr std::string_view kConditions[] = {"status.conditions type"};
constexpr std::string_view kServiceAccount[] = {"secrets name"};

using Node = std::shared_ptr<Schema>;

/// Builds nested schemas from paths.
class Builder {
 public:
  Builder() : root_(std::make_shared<Schema>()) {}

  void add_all(std::string_view prefix, std::span<const std::string_view> lines) {
    for (std::string_view line : lines) add(prefix, line);
  }
  Schema::Ptr root() const { return root_; }

 private:
  void add(std::string_view prefix, std::string_view line) {
    size_t space = line.find(' ');
    std::string path = std::string(prefix) + std::string(line.substr(0, space));
    std::string_view hint = line.substr(space + 1);
    Node node = at(path);
    if (hint == "{}") {
      node->atomic_map = true;
    } else if (hint == "=") {
      node->list_type = ListType::kSet;
    } else {
      node->list_type = ListType::kMap;
      while (true) {
        size_t comma = hint.find(',');
        add_key(path, *node, std::string(hint.substr(0, comma)));
        if (comma == hint.npos) break;
        hint.remove_prefix(comma + 1);
      }
    }
  }

  void add_key(const std::string& path, Schema& list, std::string key) {
    if (key == "protocol") at(path + "[].protocol")->default_value = std::make_shared<Json>("TCP");
    list.list_keys.push_back(std::move(key));
  }

  // Nodes are made here and nowhere else, so handing out non-const pointers is ours to do.
  Node at(std::string_view path) {
    std::string so_far;
    Node node = root_;
    while (!path.empty()) {
      bool items = path.starts_with("[]");
      size_t end = items ? 2 : std::min(path.find('.'), path.find("[]"));
      std::string_view step = path.substr(0, end);
      so_far.append("/").append(step);
      Node& child = nodes_[so_far];
      if (!child) {
        child = std::make_shared<Schema>();
        if (items)
          node->items = child;
        else
          node->properties[std::string(step)] = child;
      }
      node = child;
      path.remove_prefix(std::min(end, path.size()));
      if (path.starts_with(".")) path.remove_prefix(1);
    }
    return node;
  }

  Node root_;
  std::map<std::string, Node> nodes_;
};

}  // namespace

Schema::Ptr builtin_schema(const std::string& kind) {
  Builder builder;
  builder.add_all("", kMetadata);
  if (kind == "StatefulSet") {
    builder.add_all("", kStatefulSet);
    builder.add_all("spec.template.", kMetadata);
    builder.add_all("spec.template.spec.", kPodSpec);
  } else if (kind == "Pod") {
    builder.add_all("", kConditions);
    builder.add_all("spec.", kPodSpec);
  } else if (kind == "Service") {
    builder.add_all("", kService);
  } else if (kind == "ServiceAccount") {
    builder.add_all("", kServiceAccount);
  } else if (kind == "PersistentVolumeClaim" || kind == "PodDisruptionBudget") {
    builder.add_all("", kConditionsAndSelector);
  } else {
    builder.add_all("", kConditions);
  }
  return builder.root();
}

}  // namespace longhaul::local
