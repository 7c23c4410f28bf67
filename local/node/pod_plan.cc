#include "local/node/pod_plan.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "local/node/base64.h"
#include "operator/kube/object.h"

namespace longhaul::local {
namespace {

using base::Errc;
using base::Result;
using op::kube::at_path;
using op::kube::int_at;
using op::kube::string_at;

using Values = std::map<std::string, std::string>;

tl::unexpected<base::Error> config_error(const std::string& why) {
  return base::fail(Errc::kUnsupported, "CreateContainerConfigError: " + why);
}

bool is_path_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '_' || c == '-' ||
         c == '.';
}

std::string image_name(const std::string& image) {
  std::string name = image.substr(image.rfind('/') + 1);
  return name.substr(0, name.find_first_of(":@"));
}

Result<std::string> field_value(const Json& pod, const PodPlace& place, const std::string& path) {
  if (path == "status.podIP" || path == "status.podIPs") return place.address;
  if (path == "status.hostIP" || path == "status.hostIPs") return std::string("127.0.0.1");
  for (const char* simple : {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
                             "spec.serviceAccountName"})
    if (path == simple) {
      size_t dot = path.find('.');
      return string_at(pod, {path.substr(0, dot), path.substr(dot + 1)});
    }
  for (const char* map : {"labels", "annotations"}) {
    std::string prefix = std::string("metadata.") + map + "['";
    if (path.starts_with(prefix) && path.ends_with("']"))
      return string_at(
          pod, {"metadata", map, path.substr(prefix.size(), path.size() - prefix.size() - 2)});
  }
  return config_error("fieldRef " + path + " is not supported here");
}

Result<std::string> referenced_value(const Json& reference, const std::string& kind,
                                     const PodPlace& place) {
  std::string name = string_at(reference, {"name"}), key = string_at(reference, {"key"});
  Json data = place.values(kind, name);
  const Json& value = at_path(data, {key});
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return kind == "Secret" ? decode_base64(text) : text;
  }
  if (at_path(reference, {"optional"}) == true) return std::string();
  return config_error("couldn't find key " + key + " in " + kind + " " + name);
}

Result<void> add_sources(const Json& container, const PodPlace& place, Values& values) {
  for (const Json& source : at_path(container, {"envFrom"}))
    for (auto& [field, kind] :
         {std::pair{"configMapRef", "ConfigMap"}, std::pair{"secretRef", "Secret"}}) {
      const Json& reference = at_path(source, {field});
      if (!reference.is_object()) continue;
      Json data = place.values(kind, string_at(reference, {"name"}));
      if (data.is_null() && at_path(reference, {"optional"}) != true)
        return config_error(std::string(kind) + " " + string_at(reference, {"name"}) +
                            " not found");
      for (auto& [key, value] : data.items())
        if (value.is_string())
          values[string_at(source, {"prefix"}) + key] =
              kind == std::string("Secret") ? decode_base64(value.get_ref<const std::string&>())
                                            : value.get<std::string>();
    }
  return {};
}

Result<Values> environment_of(const Json& pod, const Json& container, const PodPlace& place,
                              const Values& mounts) {
  Values values{{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                {"HOSTNAME", op::kube::name_of(pod)},
                {"HOME", place.directory}};
  LH_TRY(add_sources(container, place, values));
  for (const Json& variable : at_path(container, {"env"})) {
    std::string name = string_at(variable, {"name"});
    const Json& from = at_path(variable, {"valueFrom"});
    if (from.is_null()) {
      values[name] = map_paths(expand(string_at(variable, {"value"}), values), mounts);
    } else if (const Json& field = at_path(from, {"fieldRef"}); field.is_object()) {
      LH_ASSIGN(values[name], field_value(pod, place, string_at(field, {"fieldPath"})));
    } else if (const Json& map = at_path(from, {"configMapKeyRef"}); map.is_object()) {
      LH_ASSIGN(values[name], referenced_value(map, "ConfigMap", place));
    } else if (const Json& secret = at_path(from, {"secretKeyRef"}); secret.is_object()) {
      LH_ASSIGN(values[name], referenced_value(secret, "Secret", place));
    } else {
      return config_error("env " + name + " takes its value from what is not supported here");
    }
  }
  return values;
}

Result<Values> mounts_of(const Json& container, const PodPlace& place) {
  Values mounts;
  for (const Json& mount : at_path(container, {"volumeMounts"})) {
    auto volume = place.volumes.find(string_at(mount, {"name"}));
    if (volume == place.volumes.end())
      return config_error("volume " + string_at(mount, {"name"}) + " is not in the pod");
    std::string directory = volume->second, sub = string_at(mount, {"subPath"});
    if (sub.find("..") != sub.npos) return config_error("subPath must not contain '..'");
    if (!sub.empty()) directory += "/" + sub;
    std::string path = string_at(mount, {"mountPath"});
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (path.size() < 2) return config_error("mountPath / is not supported here");
    mounts[path] = directory;
  }
  return mounts;
}

Result<std::string> program_of(const std::string& image, const std::string& program,
                               const Images& images) {
  auto found = images.find(image_name(image));
  if (found == images.end()) {
    std::string known;
    for (auto& [name, directory] : images) known += (known.empty() ? "" : ", ") + name;
    return base::fail(Errc::kNotFound,
                      "ErrImagePull: there is no image \"" + image + "\" here, only: " + known);
  }
  std::string name = program.substr(program.rfind('/') + 1);
  if (name.empty() || name == "." || name == "..")
    return config_error("the command \"" + program + "\" names no program");
  return found->second + "/" + name;
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> out;
  for (const Json& one : list)
    if (one.is_string()) out.push_back(one.get<std::string>());
  return out;
}

Result<uint16_t> port_of(const Json& port, const std::vector<std::string>& ports) {
  int64_t number = port.is_number_integer() ? port.get<int64_t>() : 0;
  if (port.is_string()) {
    std::string wanted = port.get<std::string>();
    for (const std::string& one : ports)
      if (one.starts_with(wanted + "=")) wanted = one.substr(wanted.size() + 1);
    std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  }
  if (number < 1 || number > 65535)
    return config_error("unknown port " + port.dump() + " in a probe");
  return static_cast<uint16_t>(number);
}

Result<Probe> probe_of(const Json& from, const ContainerPlan& container, const PodPlace& place,
                       const Images& images) {
  Probe probe;
  probe.initial_delay = std::chrono::seconds(int_at(from, {"initialDelaySeconds"}, 0));
  probe.period = std::chrono::seconds(std::max<int64_t>(int_at(from, {"periodSeconds"}, 10), 1));
  probe.timeout = std::chrono::seconds(std::max<int64_t>(int_at(from, {"timeoutSeconds"}, 1), 1));
  probe.success_threshold = static_cast<int>(int_at(from, {"successThreshold"}, 1));
  probe.failure_threshold = static_cast<int>(int_at(from, {"failureThreshold"}, 3));
  const Json &http = at_path(from, {"httpGet"}), &tcp = at_path(from, {"tcpSocket"}),
             &exec = at_path(from, {"exec"});
  if (exec.is_object()) {
    probe.target.kind = ProbeTarget::Kind::kExec;
    probe.target.command = container.command;
    probe.target.command.log_file.clear();
    std::vector<std::string> arguments = strings(at_path(exec, {"command"}));
    if (arguments.empty()) return config_error("an exec probe needs a command");
    LH_ASSIGN(arguments[0], program_of(container.image, arguments[0], images));
    probe.target.command.arguments = std::move(arguments);
    return probe;
  }
  const Json& given = http.is_object() ? http : tcp;
  if (!given.is_object()) return config_error("a probe must be httpGet, tcpSocket or exec");
  if (string_at(http, {"scheme"}, "HTTP") != "HTTP")
    return config_error("probes over HTTPS are not supported here");
  probe.target.kind = http.is_object() ? ProbeTarget::Kind::kHttp : ProbeTarget::Kind::kTcp;
  probe.target.host = string_at(given, {"host"}, place.address);
  probe.target.path = string_at(http, {"path"}, "/");
  for (const Json& header : at_path(http, {"httpHeaders"}))
    probe.target.headers.push_back(string_at(header, {"name"}) + ": " +
                                   string_at(header, {"value"}));
  LH_ASSIGN(probe.target.port, port_of(at_path(given, {"port"}), container.ports));
  return probe;
}

Result<ContainerPlan> plan_container(const Json& pod, const Json& container, const PodPlace& place,
                                     const Images& images) {
  ContainerPlan plan;
  plan.name = string_at(container, {"name"});
  plan.image = string_at(container, {"image"});
  LH_ASSIGN(Values mounts, mounts_of(container, place));
  LH_ASSIGN(Values values, environment_of(pod, container, place, mounts));
  std::vector<std::string> words = strings(at_path(container, {"command"}));
  if (words.empty()) return config_error("container " + plan.name + " needs a command here");
  for (std::string& argument : strings(at_path(container, {"args"})))
    words.push_back(std::move(argument));
  for (std::string& word : words) word = map_paths(expand(word, values), mounts);
  LH_ASSIGN(words[0], program_of(plan.image, words[0], images));
  plan.command.arguments = std::move(words);
  for (auto& [name, value] : values) plan.command.environment.push_back(name + "=" + value);
  plan.command.directory = map_paths(string_at(container, {"workingDir"}, place.directory), mounts);
  plan.command.log_file = place.log_directory + "/" + op::kube::namespace_of(pod) + "_" +
                          op::kube::name_of(pod) + "_" + plan.name + ".log";
  for (const Json& port : at_path(container, {"ports"}))
    plan.ports.push_back(string_at(port, {"name"}) + "=" +
                         std::to_string(int_at(port, {"containerPort"})));
  for (const char* name : {"startupProbe", "livenessProbe", "readinessProbe"})
    if (const Json& probe = at_path(container, {name}); probe.is_object()) {
      LH_ASSIGN(plan.probes[name], probe_of(probe, plan, place, images));
    }
  if (at_path(container, {"lifecycle"}).is_object())
    return config_error("lifecycle hooks are not supported here");
  return plan;
}

}  // namespace

std::string map_paths(const std::string& text, const std::map<std::string, std::string>& mounts) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const std::pair<const std::string, std::string>* best = nullptr;
    bool starts = text[at] == '/' && (at == 0 || !is_path_character(text[at - 1]));
    if (starts)
      for (const auto& mount : mounts) {
        if (text.compare(at, mount.first.size(), mount.first) != 0) continue;
        size_t end = at + mount.first.size();
        bool whole = end == text.size() || text[end] == '/' || !is_path_character(text[end]);
        if (whole && (!best || mount.first.size() > best->first.size())) best = &mount;
      }
    if (best) {
      out += best->second;
      at += best->first.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string expand(const std::string& text, const std::map<std::string, std::string>& values) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '$' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    if (text[at + 1] == '$') {
      out += text[at++];
      continue;
    }
    size_t close = text[at + 1] == '(' ? text.find(')', at) : text.npos;
    auto found =
        close == text.npos ? values.end() : values.find(text.substr(at + 2, close - at - 2));
    if (found == values.end()) {
      out += text[at];
    } else {
      out += found->second;
      at = close;
    }
  }
  return out;
}

Result<PodPlan> plan_pod(const Json& pod, const PodPlace& place, const Images& images) {
  PodPlan plan;
  if (!at_path(pod, {"spec", "initContainers"}).empty())
    return config_error("init containers are not supported here");
  plan.grace = std::chrono::seconds(int_at(pod, {"spec", "terminationGracePeriodSeconds"}, 30));
  plan.restart_policy = string_at(pod, {"spec", "restartPolicy"}, "Always");
  for (const Json& container : at_path(pod, {"spec", "containers"})) {
    LH_ASSIGN(ContainerPlan one, plan_container(pod, container, place, images));
    plan.containers.push_back(std::move(one));
  }
  return plan;
}

}  // namespace longhaul::local
