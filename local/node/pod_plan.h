// From a Pod to what has to run: programs, arguments, environment, probes. No side effects.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "local/node/probe.h"
#include "local/node/process.h"

namespace longhaul::local {

using Json = nlohmann::json;

/// Images by the last part of their name, without registry and tag ("longhaul"), each a directory
/// of programs. Nothing else can be run: a pod's command must name one of them.
using Images = std::map<std::string, std::string>;

/// What a plan needs to know beyond the Pod itself.
struct PodPlace {
  std::string address;    // status.podIP
  std::string directory;  // the pod's own: workdir, emptyDir volumes, mounted files
  std::string log_directory;
  std::map<std::string, std::string> volumes;  // name to directory
  /// The data of a ConfigMap or Secret ("ConfigMap", name), or null (JSON's) if there is none.
  std::function<Json(const std::string& kind, const std::string& name)> values;
};

struct ContainerPlan {
  std::string name, image;
  Command command;
  std::vector<std::string> ports;       // "name=number", for probes
  std::map<std::string, Probe> probes;  // "startupProbe", "livenessProbe", "readinessProbe"
};

struct PodPlan {
  std::vector<ContainerPlan> containers;
  std::chrono::seconds grace{30};
  std::string restart_policy;
};

/// A reason as kubelet gives one ("ErrImagePull", "CreateContainerConfigError") before ": " and
/// what is wrong, as the message of a kUnsupported or kNotFound error.
base::Result<PodPlan> plan_pod(const Json& pod, const PodPlace& place, const Images& images);

/// `text` with each path in `mounts` replaced by its directory, where it stands as a whole path or
/// the beginning of one; the longest wins. See docs/decisions on local paths.
std::string map_paths(const std::string& text, const std::map<std::string, std::string>& mounts);

/// "$(NAME)" replaced by its value where the name is known; "$$" stands for "$".
std::string expand(const std::string& text, const std::map<std::string, std::string>& values);

}  // namespace longhaul::local
