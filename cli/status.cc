#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/table.h"

namespace longhaul::cli {
namespace {

using base::Result;
using op::kube::at_path;
using op::kube::Json;
using op::kube::string_at;

constexpr const char* kClusterLabel = "longhaul.dev/cluster";

std::string number_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json& value = at_path(object, path);
  return value.is_number_integer() ? std::to_string(value.get<int64_t>()) : "";
}

/// Reasons that a person should see: what is not as it should be.
void print_troubles(const Json& object, const std::string& what) {
  for (const Json& condition : at_path(object, {"status", "conditions"})) {
    std::string type = string_at(condition, {"type"}), status = string_at(condition, {"status"});
    bool fine = type == "Ready" ? status == "True" : status != "True";
    if (fine) continue;
    fmt::print("  {} {}: {}={} ({}): {}\n", what, op::kube::name_of(object), type, status,
               string_at(condition, {"reason"}), string_at(condition, {"message"}));
  }
}

/// What a broker is in its region's metadata quorum; empty if that is not known.
std::string quorum_role(const Json& cluster, const Json& pod) {
  for (const Json& region : at_path(cluster, {"status", "regions"})) {
    if (string_at(region, {"name"}) != op::kube::label_of(pod, "longhaul.dev/region")) continue;
    const Json& quorum = at_path(region, {"quorum"});
    if (!quorum.is_object()) return "";
    std::string id = op::kube::label_of(pod, "longhaul.dev/node-id");
    if (number_at(quorum, {"leader"}) == id) return "leader";
    for (const Json& voter : at_path(quorum, {"voters"}))
      if (voter.is_number_integer() && std::to_string(voter.get<int64_t>()) == id) return "voter";
    return "observer";
  }
  return "";
}

std::vector<std::string> pod_row(const Json& cluster, const Json& pod) {
  const Json& statuses = at_path(pod, {"status", "containerStatuses"});
  const Json none;
  const Json& first = statuses.is_array() && !statuses.empty() ? statuses[0] : none;
  std::string state = string_at(pod, {"status", "phase"});
  if (std::string waiting = string_at(first, {"state", "waiting", "reason"}); !waiting.empty())
    state = waiting;
  if (op::kube::is_deleting(pod)) state = "Terminating";
  return {op::kube::name_of(pod),
          op::kube::label_of(pod, "longhaul.dev/node-id"),
          op::kube::label_of(pod, "longhaul.dev/region"),
          op::kube::label_of(pod, "longhaul.dev/zone"),
          quorum_role(cluster, pod),
          string_at(pod, {"status", "podIP"}),
          string_at(op::kube::condition_of(pod, "Ready"), {"status"}),
          state,
          number_at(first, {"restartCount"})};
}

void print_cluster(const Json& cluster, const std::vector<Json>& pods,
                   const std::vector<Json>& topics) {
  std::string name = op::kube::name_of(cluster), ns = op::kube::namespace_of(cluster);
  const Json& ready = op::kube::condition_of(cluster, "Ready");
  fmt::print("KafkaCluster {}/{}  ready: {} ({})\n", ns, name,
             string_at(ready, {"status"}, "Unknown"), string_at(ready, {"reason"}, "NotSeenYet"));
  print_troubles(cluster, "cluster");
  std::vector<Json> own;
  std::vector<std::vector<std::string>> rows;
  for (const Json& pod : pods)
    if (op::kube::label_of(pod, kClusterLabel) == name && op::kube::namespace_of(pod) == ns) {
      own.push_back(pod);
      rows.push_back(pod_row(cluster, pod));
    }
  for (const BootstrapAddress& one : bootstrap_addresses(own))
    fmt::print("  bootstrap {} {}\n", one.region, one.addresses);
  if (!rows.empty())
    fmt::print("\n{}", format_table({"BROKER", "ID", "REGION", "ZONE", "QUORUM", "ADDRESS", "READY",
                                     "STATE", "RESTARTS"},
                                    rows, "  "));
  rows.clear();
  for (const Json& topic : topics)
    if (string_at(topic, {"spec", "cluster"}) == name && op::kube::namespace_of(topic) == ns)
      rows.push_back({string_at(topic, {"status", "topicName"}, op::kube::name_of(topic)),
                      number_at(topic, {"status", "partitions"}),
                      number_at(topic, {"status", "replicas"}),
                      string_at(op::kube::condition_of(topic, "Ready"), {"status"}, "Unknown"),
                      string_at(op::kube::condition_of(topic, "Ready"), {"reason"})});
  if (!rows.empty())
    fmt::print("\n{}",
               format_table({"TOPIC", "PARTITIONS", "REPLICAS", "READY", "REASON"}, rows, "  "));
  for (const Json& topic : topics)
    if (string_at(topic, {"spec", "cluster"}) == name) print_troubles(topic, "topic");
}

Result<void> status(const GlobalOptions& global) {
  LH_ASSIGN(Kubernetes kubernetes, open_kubernetes(global));
  auto list = [&](const op::kube::ResourceType& type, const char* labels) {
    return list_objects(*kubernetes.transport, type, global.name_space, labels);
  };
  LH_ASSIGN(auto clusters, list(op::kube::kKafkaCluster, ""));
  LH_ASSIGN(auto topics, list(op::kube::kKafkaTopic, ""));
  LH_ASSIGN(auto pods, list(op::kube::kPod, kClusterLabel));
  if (clusters.empty()) {
    fmt::print("There is no KafkaCluster; `longhaul apply -f FILE` makes one.\n");
    return {};
  }
  for (size_t i = 0; i < clusters.size(); ++i) {
    if (i > 0) fmt::print("\n");
    print_cluster(clusters[i], pods, topics);
  }
  return {};
}

}  // namespace

int run_status(const GlobalOptions& global) { return report(status(global)); }

}  // namespace longhaul::cli
