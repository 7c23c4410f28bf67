#include "local/api/builtin_rules.h"

#include <nlohmann/json.hpp>

#include "local/api/selector.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using op::kube::at_path;
using op::kube::string_at;

void set_default(Json& object, const char* field, Json value) {
  if (!object.contains(field)) object[field] = std::move(value);
}

/// Calls `visit` for each object in a list field.
template <class Visit>
void each(Json& object, const char* field, Visit visit) {
  auto list = object.find(field);
  if (list == object.end() || !list->is_array()) return;
  for (Json& item : *list)
    if (item.is_object()) visit(item);
}

void default_probe(Json& container, const char* name) {
  auto probe = container.find(name);
  if (probe == container.end() || !probe->is_object()) return;
  set_default(*probe, "timeoutSeconds", 1);
  set_default(*probe, "periodSeconds", 10);
  set_default(*probe, "successThreshold", 1);
  set_default(*probe, "failureThreshold", 3);
  if (auto get = probe->find("httpGet"); get != probe->end() && get->is_object()) {
    set_default(*get, "path", "/");
    set_default(*get, "scheme", "HTTP");
  }
}

void default_container(Json& container) {
  std::string image = string_at(container, {"image"});
  size_t colon = image.find_last_of(":/");
  bool tagged = image.find('@') != image.npos ||
                (colon != image.npos && image[colon] == ':' && !image.ends_with(":latest"));
  set_default(container, "imagePullPolicy", tagged ? "IfNotPresent" : "Always");
  set_default(container, "resources", Json::object());
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  each(container, "ports", [](Json& port) { set_default(port, "protocol", "TCP"); });
  each(container, "env", [](Json& variable) {
    if (at_path(variable, {"valueFrom", "fieldRef"}).is_object())
      set_default(variable["valueFrom"]["fieldRef"], "apiVersion", "v1");
  });
  for (const char* name : {"livenessProbe", "readinessProbe", "startupProbe"})
    default_probe(container, name);
}

void default_pod_spec(Json& spec) {
  if (!spec.is_object()) return;
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "securityContext", Json::object());
  set_default(spec, "schedulerName", "default-scheduler");
  if (spec.contains("serviceAccountName"))
    set_default(spec, "serviceAccount", spec["serviceAccountName"]);
  each(spec, "containers", default_container);
  each(spec, "initContainers", default_container);
  each(spec, "volumes", [](Json& volume) {
    for (const char* kind : {"configMap", "secret", "projected"})
      if (auto source = volume.find(kind); source != volume.end() && source->is_object())
        set_default(*source, "defaultMode", 420);
  });
}

void default_claim(Json& claim) {
  if (!claim["spec"].is_object()) return;
  set_default(claim["spec"], "volumeMode", "Filesystem");
}

void default_stateful_set(Json& spec) {
  set_default(spec, "replicas", 1);
  set_default(spec, "podManagementPolicy", "OrderedReady");
  set_default(spec, "revisionHistoryLimit", 10);
  set_default(spec, "updateStrategy", {{"type", "RollingUpdate"}});
  if (string_at(spec, {"updateStrategy", "type"}) == "RollingUpdate") {
    if (!spec["updateStrategy"]["rollingUpdate"].is_object())
      spec["updateStrategy"]["rollingUpdate"] = Json::object();
    set_default(spec["updateStrategy"]["rollingUpdate"], "partition", 0);
  }
  set_default(spec, "persistentVolumeClaimRetentionPolicy", Json::object());
  Json& retention = spec["persistentVolumeClaimRetentionPolicy"];
  if (retention.is_object()) {
    set_default(retention, "whenDeleted", "Retain");
    set_default(retention, "whenScaled", "Retain");
  }
  if (spec.contains("template") && spec["template"].is_object() &&
      spec["template"].contains("spec"))
    default_pod_spec(spec["template"]["spec"]);
  each(spec, "volumeClaimTemplates", [](Json& claim) {
    set_default(claim, "apiVersion", "v1");
    set_default(claim, "kind", "PersistentVolumeClaim");
    default_claim(claim);
    claim["status"] = {{"phase", "Pending"}};
  });
}

void default_service(Json& spec) {
  set_default(spec, "type", "ClusterIP");
  set_default(spec, "sessionAffinity", "None");
  set_default(spec, "internalTrafficPolicy", "Cluster");
  each(spec, "ports", [](Json& port) {
    set_default(port, "protocol", "TCP");
    if (port.contains("port")) set_default(port, "targetPort", port["port"]);
  });
}

// Secrets take plain text in stringData and keep it as base64 in data.
void fold_string_data(Json& secret) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  auto plain = secret.find("stringData");
  if (plain == secret.end() || !plain->is_object()) return;
  for (auto& [name, value] : plain->items()) {
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    std::string coded;
    for (size_t i = 0; i < text.size(); i += 3) {
      uint32_t group = 0;
      for (size_t j = 0; j < 3; ++j)
        group = group << 8 | (i + j < text.size() ? static_cast<uint8_t>(text[i + j]) : 0);
      for (size_t j = 0; j < 4; ++j)
        coded += i + j <= text.size() ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
    secret["data"][name] = std::move(coded);
  }
  secret.erase("stringData");
}

void require(const Json& object, std::initializer_list<std::string_view> path,
             std::vector<Cause>& causes) {
  if (!at_path(object, path).is_null()) return;
  std::string text;
  for (std::string_view step : path) text.append(text.empty() ? "" : ".").append(step);
  causes.push_back({"FieldValueRequired", "Required value", text});
}

void check_containers(const Json& spec, const std::string& path, std::vector<Cause>& causes) {
  const Json& containers = at_path(spec, {"containers"});
  if (!containers.is_array() || containers.empty())
    causes.push_back({"FieldValueRequired", "Required value", path + ".containers"});
  for (size_t i = 0; i < containers.size(); ++i)
    for (const char* field : {"name", "image"})
      if (string_at(containers[i], {field}).empty())
        causes.push_back({"FieldValueRequired", "Required value",
                          path + ".containers[" + std::to_string(i) + "]." + field});
}

bool same_except(Json before, Json after, std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    before.erase(field);
    after.erase(field);
  }
  return before == after;
}

Json spec_of(const Json& object) {
  const Json& spec = at_path(object, {"spec"});
  return spec.is_object() ? spec : Json::object();
}

}  // namespace

void set_builtin_defaults(const Kind& kind, Json& object) {
  if (kind.custom || !object.is_object()) return;
  bool has_spec = at_path(object, {"spec"}).is_object();
  if (kind.name == "Secret") {
    fold_string_data(object);
    set_default(object, "type", "Opaque");
  } else if (kind.name == "Namespace") {
    if (!has_spec) object["spec"] = {{"finalizers", {"kubernetes"}}};
  } else if (!has_spec) {
    return;
  } else if (kind.name == "StatefulSet") {
    default_stateful_set(object["spec"]);
  } else if (kind.name == "Pod") {
    default_pod_spec(object["spec"]);
  } else if (kind.name == "Service") {
    default_service(object["spec"]);
  } else if (kind.name == "PersistentVolumeClaim") {
    default_claim(object);
  }
}

std::vector<Cause> builtin_violations(const Kind& kind, const Json& object) {
  std::vector<Cause> causes;
  if (kind.custom) return causes;
  if (kind.name == "StatefulSet") {
    require(object, {"spec", "selector"}, causes);
    require(object, {"spec", "template"}, causes);
    check_containers(at_path(object, {"spec", "template", "spec"}), "spec.template.spec", causes);
    if (causes.empty() &&
        !selector_matches(at_path(object, {"spec", "selector"}),
                          at_path(object, {"spec", "template", "metadata", "labels"})))
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: `selector` does not match template `labels`",
                        "spec.template.metadata.labels"});
    if (op::kube::int_at(object, {"spec", "replicas"}) < 0)
      causes.push_back({"FieldValueInvalid", "Invalid value: must be greater than or equal to 0",
                        "spec.replicas"});
  } else if (kind.name == "Pod") {
    check_containers(at_path(object, {"spec"}), "spec", causes);
  } else if (kind.name == "PersistentVolumeClaim") {
    require(object, {"spec", "accessModes"}, causes);
    require(object, {"spec", "resources", "requests", "storage"}, causes);
  } else if (kind.name == "CustomResourceDefinition") {
    std::string wanted =
        string_at(object, {"spec", "names", "plural"}) + "." + string_at(object, {"spec", "group"});
    if (string_at(object, {"metadata", "name"}) != wanted)
      causes.push_back({"FieldValueInvalid",
                        "Invalid value: must be spec.names.plural+\".\"+spec.group",
                        "metadata.name"});
  } else if (kind.name == "ConfigMap") {
    for (auto& [name, value] : at_path(object, {"data"}).items())
      if (!value.is_string())
        causes.push_back(
            {"FieldValueTypeInvalid", "Invalid value: must be a string", "data." + name});
  }
  return causes;
}

std::vector<Cause> builtin_change_violations(const Kind& kind, const Json& before,
                                             const Json& after) {
  if (kind.name == "StatefulSet") {
    if (!same_except(
            spec_of(before), spec_of(after),
            {"replicas", "ordinals", "template", "updateStrategy",
             "persistentVolumeClaimRetentionPolicy", "minReadySeconds", "revisionHistoryLimit"}))
      return {{"FieldValueForbidden",
               "Forbidden: updates to statefulset spec for fields other than 'replicas', "
               "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
               "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
               "spec"}};
  } else if (kind.name == "PersistentVolumeClaim") {
    if (!same_except(spec_of(before), spec_of(after), {"resources", "volumeName"}))
      return {{"FieldValueForbidden",
               "Forbidden: spec is immutable after creation except resources.requests", "spec"}};
  } else if (kind.name == "Service") {
    const Json& old = at_path(before, {"spec", "clusterIP"});
    if (!old.is_null() && at_path(after, {"spec", "clusterIP"}) != old)
      return {{"FieldValueInvalid", "Invalid value: field is immutable", "spec.clusterIP"}};
  } else if (kind.name == "ConfigMap" || kind.name == "Secret") {
    if (at_path(before, {"immutable"}) == true && !same_except(before, after, {"metadata"}))
      return {
          {"FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set", "data"}};
  }
  return {};
}

Json initial_status(const Kind& kind, const Json& object, const std::string& now) {
  if (kind.custom) return nullptr;
  if (kind.name == "Namespace") return {{"phase", "Active"}};
  if (kind.name == "Pod") return {{"phase", "Pending"}, {"qosClass", "BestEffort"}};
  if (kind.name == "PersistentVolumeClaim") return {{"phase", "Pending"}};
  if (kind.name == "Service") return {{"loadBalancer", Json::object()}};
  if (kind.name == "StatefulSet") return {{"replicas", 0}, {"availableReplicas", 0}};
  if (kind.name != "CustomResourceDefinition") return nullptr;
  Json status{{"acceptedNames", at_path(object, {"spec", "names"})},
              {"storedVersions", Json::array()},
              {"conditions", Json::array()}};
  for (const Json& version : at_path(object, {"spec", "versions"}))
    if (at_path(version, {"storage"}) == true)
      status["storedVersions"].push_back(string_at(version, {"name"}));
  for (const char* type : {"NamesAccepted", "Established"})
    status["conditions"].push_back(
        {{"type", type},
         {"status", "True"},
         {"reason", type == std::string("Established") ? "InitialNamesAccepted" : "NoConflicts"},
         {"message", "the definition is being served"},
         {"lastTransitionTime", now}});
  return status;
}

}  // namespace longhaul::local
