// The volumes of a pod as directories.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/file_system.h"

namespace longhaul::local {

using Json = nlohmann::json;

/// An object of the pod's namespace: "ConfigMap", "Secret" or "PersistentVolumeClaim" and a name;
/// JSON null if there is none.
using ObjectLookup = std::function<Json(const std::string& kind, const std::string& name)>;

/// Makes the volumes of `pod` below `pod_directory` (files of ConfigMaps and Secrets are written
/// anew when they differ) and gives each one's directory. Claims live in
/// `claims_directory`/UID. kNotFound or kUnsupported with a reason as kubelet's before ": ".
base::Result<std::map<std::string, std::string>> prepare_volumes(
    base::FileSystem& files, const Json& pod, const std::string& pod_directory,
    const std::string& claims_directory, const ObjectLookup& lookup);

}  // namespace longhaul::local
