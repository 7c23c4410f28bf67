#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "broker/metadata/birth.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;
using base::fail;

base::Result<void> check_formatted(const DirectoryState& state, const std::string& cluster_id,
                                   const BirthConfig& config) {
  if (!cluster_id.empty() && state.cluster_id != cluster_id)
    return fail(
        Errc::kConflict,
        fmt::format("{}: data directory of another cluster: it belongs to {}, not {}. Mount "
                    "the right volume, or set longhaul.cluster.id to that cluster",
                    state.path, state.cluster_id, cluster_id));
  if (state.node_id && *state.node_id != config.node_id)
    return fail(Errc::kConflict,
                fmt::format("{}: data directory of another node: it belongs to node {}, not {}. "
                            "Mount the right volume, or correct node.id",
                            state.path, *state.node_id, config.node_id));
  bool is_metadata = state.path == config.metadata_dir;
  if (is_metadata && config.directory_id && state.directory_id != *config.directory_id)
    return fail(
        Errc::kConflict,
        fmt::format("{}: its directory ID is {}, but longhaul.directory.id says {}. Mount "
                    "the right volume, or correct the option",
                    state.path, state.directory_id.to_string(), config.directory_id->to_string()));
  return {};
}

/// Who lost a disk has forgotten its votes and what it acknowledged: under the old name it would be
/// counted on for both.
base::Result<void> check_newcomer(const DirectoryState& state, const BirthConfig& config) {
  if (config.permission != FormatPermission::kJoin) return {};
  if (state.path == config.metadata_dir && config.directory_id)
    return fail(Errc::kConflict,
                fmt::format("{}: who joins gets a new directory ID, but longhaul.directory.id says "
                            "{}. Remove the option; if a voter of that ID lost its disk, remove "
                            "that voter and add this node anew",
                            state.path, config.directory_id->to_string()));
  if (state.has_snapshots)
    return fail(Errc::kConflict,
                fmt::format("{}: it has no meta.properties, but snapshots of a metadata log: those "
                            "of another life. Restore meta.properties, or empty the directory",
                            state.path));
  return {};
}

base::Result<void> check_empty(const DirectoryState& state, const BirthConfig& config) {
  if (!state.stranger.empty())
    return fail(
        Errc::kConflict,
        fmt::format("{}: it has no meta.properties but is not empty (it holds '{}'). Restore "
                    "meta.properties, or empty the directory",
                    state.path, state.stranger));
  if (config.permission == FormatPermission::kRefuse)
    return fail(Errc::kPermission,
                fmt::format("{}: empty directory without permission to format it. Run "
                            "longhaul-broker format, or set longhaul.format to join or found; if "
                            "this node had data here before, its volume was lost",
                            state.path));
  return check_newcomer(state, config);
}

/// Directories that hold another cluster's data than the first formatted one.
base::Result<std::string> common_cluster(const std::vector<DirectoryState>& directories,
                                         const BirthConfig& config) {
  std::string cluster_id = config.cluster_id;
  for (const DirectoryState& state : directories) {
    if (!state.formatted) continue;
    LH_TRY(check_formatted(state, cluster_id, config));
    cluster_id = state.cluster_id;
  }
  return cluster_id;
}

}  // namespace

base::Result<BirthPlan> plan_birth(const std::vector<DirectoryState>& directories,
                                   const BirthConfig& config, base::Random& random) {
  BirthPlan plan;
  LH_ASSIGN(plan.cluster_id, common_cluster(directories, config));
  bool any_data = std::any_of(directories.begin(), directories.end(),
                              [](const DirectoryState& state) { return state.formatted; });
  for (const DirectoryState& state : directories) {
    if (state.formatted) continue;
    LH_TRY(check_empty(state, config));
    if (plan.cluster_id.empty())
      return fail(Errc::kInvalidArgument,
                  fmt::format("{}: to format it, longhaul.cluster.id must be set", state.path));
    if (auto id = base::Uuid::parse(plan.cluster_id); !any_data && !id)
      return fail(Errc::kInvalidArgument, fmt::format("cluster ID '{}' is not a Kafka UUID: {}",
                                                      plan.cluster_id, id.error().message));
    bool is_metadata = state.path == config.metadata_dir;
    bool founding = is_metadata && config.permission == FormatPermission::kFound;
    if (founding && any_data)
      return fail(
          Errc::kConflict,
          fmt::format("{}: it is empty, but other directories hold data of cluster {}: this "
                      "node lost its metadata and must not found the cluster again. Set "
                      "longhaul.format to join",
                      state.path, plan.cluster_id));
    base::Uuid id =
        is_metadata && config.directory_id ? *config.directory_id : base::Uuid::random(random);
    plan.format.push_back({state.path, id, founding});
  }
  // The metadata directory comes first: after a crash in between it says whose the others are.
  std::stable_partition(plan.format.begin(), plan.format.end(),
                        [&](const auto& format) { return format.path == config.metadata_dir; });
  return plan;
}

}  // namespace longhaul::broker::metadata
