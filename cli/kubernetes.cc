#include "cli/kubernetes.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/posix_file_system.h"
#include "cli/state.h"
#include "operator/kube/kubeconfig.h"

namespace longhaul::cli {
namespace {

using base::Result;
using op::kube::Json;

constexpr int kPage = 500;
constexpr const char* kClusterLabel = "longhaul.dev/cluster";
constexpr const char* kRegionLabel = "longhaul.dev/region";
constexpr const char* kRoleLabel = "longhaul.dev/role";

}  // namespace

Result<Kubernetes> open_kubernetes(const GlobalOptions& options) {
  std::string path = options.kubeconfig;
  if (path.empty()) {
    base::PosixFileSystem files;
    auto running = StateDirectory(files, options.directory).running();
    if (!running) {
      base::Error error = running.error();
      error.message += ", or name another cluster with --kubeconfig FILE";
      return tl::unexpected(std::move(error));
    }
    path = running->kubeconfig;
  }
  LH_ASSIGN(op::kube::Credentials credentials, op::kube::load_kubeconfig(path, options.context));
  Kubernetes out;
  out.name_space = options.name_space.empty() ? credentials.default_namespace : options.name_space;
  LH_ASSIGN(out.transport, op::kube::make_http_transport(credentials));
  return out;
}

Result<std::vector<Json>> list_objects(op::kube::Transport& transport,
                                       const op::kube::ResourceType& type,
                                       const std::string& name_space, const std::string& labels) {
  std::vector<Json> out;
  std::string more;
  do {
    LH_ASSIGN(Json page,
              op::kube::call(transport, op::kube::list(type, {name_space, labels}, kPage, more)));
    for (Json& item : page["items"]) {
      item["apiVersion"] = type.api_version();
      item["kind"] = std::string(type.kind);
      out.push_back(std::move(item));
    }
    more = op::kube::string_at(page, {"metadata", "continue"});
  } while (!more.empty());
  return out;
}

std::vector<BootstrapAddress> bootstrap_addresses(const std::vector<Json>& pods) {
  std::map<std::pair<std::string, std::string>, std::string> found;
  // Some clients wait long for the first one.
  std::vector<Json> ready_first = pods;
  std::stable_partition(ready_first.begin(), ready_first.end(), [](const Json& pod) {
    return op::kube::string_at(op::kube::condition_of(pod, "Ready"), {"status"}) == "True";
  });
  for (const Json& pod : ready_first) {
    std::string cluster = op::kube::label_of(pod, kClusterLabel);
    std::string address = op::kube::string_at(pod, {"status", "podIP"});
    if (op::kube::label_of(pod, kRoleLabel) == "witness") continue;
    const Json& containers = op::kube::at_path(pod, {"spec", "containers"});
    if (cluster.empty() || address.empty() || !containers.is_array() || containers.empty())
      continue;
    // The first port is that of the cluster's first listener.
    const Json& ports = op::kube::at_path(containers[0], {"ports"});
    if (!ports.is_array() || ports.empty()) continue;
    std::string& list = found[{cluster, op::kube::label_of(pod, kRegionLabel)}];
    if (!list.empty()) list += ",";
    list += address + ":" + std::to_string(op::kube::int_at(ports[0], {"containerPort"}));
  }
  std::vector<BootstrapAddress> out;
  for (auto& [key, list] : found) out.push_back({key.first, key.second, list});
  return out;
}

}  // namespace longhaul::cli
