#include "broker/metadata/birth.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "broker/log/meta_properties.h"
#include "broker/metadata/bootstrap.h"
#include "broker/metadata/snapshot.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;
using base::fail;

/// What may lie in the metadata log's directory of a formatting that was cut short.
base::Result<bool> is_only_checkpoints(base::FileSystem& files, const std::string& path) {
  LH_ASSIGN(auto entries, files.list(path));
  return std::all_of(entries.begin(), entries.end(), [](const base::DirectoryEntry& entry) {
    return entry.name.ends_with(kCheckpointExtension) || entry.name.ends_with(kPartExtension);
  });
}

base::Result<void> look_at_unformatted(base::FileSystem& files, DirectoryState& state) {
  LH_ASSIGN(auto entries, files.list(state.path));
  for (const base::DirectoryEntry& entry : entries) {
    if (entry.name == "lost+found" || entry.name == ".lock") continue;
    if (entry.name == kBootstrapName || entry.name.ends_with(".tmp")) continue;
    if (entry.name == kMetadataLogName && entry.is_directory) {
      std::string log = state.path + "/" + entry.name;
      LH_ASSIGN(bool harmless, is_only_checkpoints(files, log));
      LH_ASSIGN(auto snapshots, list_snapshots(files, log));
      state.has_snapshots = !snapshots.empty();
      if (harmless) continue;
    }
    state.stranger = entry.name;
    break;
  }
  return {};
}

/// Like mkdir -p, and the new entries are durable.
base::Result<void> create_durably(base::FileSystem& files, const std::string& path) {
  if (files.exists(path)) return {};
  size_t slash = path.rfind('/');
  std::string parent =
      slash == std::string::npos ? std::string(".") : path.substr(0, std::max<size_t>(slash, 1));
  LH_TRY(create_durably(files, parent));
  LH_TRY(files.create_directories(path));
  return files.sync_directory(parent);
}

base::Result<DirectoryState> inspect(base::FileSystem& files, const std::string& path) {
  LH_TRY(create_durably(files, path));
  DirectoryState state;
  state.path = path;
  LH_ASSIGN(auto properties, log::read_meta_properties(files, path));
  if (!properties) {
    LH_TRY(look_at_unformatted(files, state));
    return state;
  }
  state.formatted = true;
  state.cluster_id = properties->cluster_id;
  state.node_id = properties->node_id;
  state.directory_id = properties->directory_id.value_or(base::Uuid{});
  return state;
}

/// What a directory's disk does not tell is left out if `tolerant`, but for the metadata's.
base::Result<std::vector<DirectoryState>> inspect_all(base::FileSystem& files,
                                                      const BirthConfig& config, bool tolerant) {
  std::vector<std::string> paths = config.log_dirs;
  if (std::count(paths.begin(), paths.end(), config.metadata_dir) == 0)
    paths.push_back(config.metadata_dir);
  std::vector<DirectoryState> states;
  for (const std::string& path : paths) {
    auto state = inspect(files, path);
    bool dispensable = tolerant && path != config.metadata_dir;
    if (!state && state.error().code == Errc::kIo && dispensable) continue;
    if (!state) return tl::unexpected(std::move(state).error());
    states.push_back(std::move(*state));
  }
  return states;
}

/// The snapshot at offset 0 that names the first voters.
base::Result<void> write_founding_snapshot(base::FileSystem& files, const base::Clock& clock,
                                           const BirthPlan::Format& format,
                                           const BirthConfig& config) {
  std::vector<raft::Voter> voters = config.initial_controllers;
  if (voters.empty())
    voters.push_back({{config.node_id, format.directory_id}, config.controller_endpoints});
  std::string directory = format.path + "/" + kMetadataLogName;
  LH_TRY(create_durably(files, directory));
  MetadataImage empty;
  empty.last_timestamp_ms = clock.wall_ms();
  return write_snapshot(files, directory, empty, raft::VoterSet(voters), clock.wall_ms());
}

base::Result<void> format_one(base::FileSystem& files, const base::Clock& clock,
                              const BirthPlan& plan, const BirthPlan::Format& format,
                              const BirthConfig& config, const MetadataRecords& bootstrap) {
  LH_TRY(write_bootstrap(files, format.path, bootstrap, clock.wall_ms()));
  if (format.founding) LH_TRY(write_founding_snapshot(files, clock, format, config));
  return log::write_meta_properties(files, format.path,
                                    {plan.cluster_id, config.node_id, format.directory_id});
}

base::Result<Identity> carry_out(base::FileSystem& files, const base::Clock& clock,
                                 const BirthPlan& plan, const BirthConfig& config,
                                 const std::vector<DirectoryState>& states,
                                 const MetadataRecords& bootstrap) {
  Identity identity;
  identity.cluster_id = plan.cluster_id;
  for (const DirectoryState& state : states) {
    if (state.path == config.metadata_dir) identity.metadata_directory_id = state.directory_id;
  }
  for (const BirthPlan::Format& format : plan.format) {
    auto done = format_one(files, clock, plan, format, config, bootstrap);
    if (!done) return base::fail_in("formatting " + format.path, std::move(done).error());
    identity.formatted.push_back(format.path);
    identity.founded |= format.founding;
    if (format.path == config.metadata_dir) identity.metadata_directory_id = format.directory_id;
  }
  return identity;
}

}  // namespace

base::Result<Identity> ensure_born(base::FileSystem& files, const base::Clock& clock,
                                   base::Random& random, const BirthConfig& config) {
  LH_ASSIGN(auto states, inspect_all(files, config, true));
  LH_ASSIGN(BirthPlan plan, plan_birth(states, config, random));
  return carry_out(files, clock, plan, config, states, default_bootstrap());
}

base::Result<Identity> format(base::FileSystem& files, const base::Clock& clock,
                              base::Random& random, const FormatOptions& options) {
  BirthConfig config = options.birth;
  const auto& initial = config.initial_controllers;
  auto self = std::find_if(initial.begin(), initial.end(),
                           [&](const auto& voter) { return voter.key.id == config.node_id; });
  bool founds = options.standalone || self != initial.end();
  config.permission = founds ? FormatPermission::kFound : FormatPermission::kJoin;
  if (self != initial.end()) config.directory_id = self->key.directory;
  LH_ASSIGN(auto states, inspect_all(files, config, false));
  for (const DirectoryState& state : states) {
    if (state.formatted && !options.ignore_formatted)
      return fail(Errc::kAlreadyExists,
                  fmt::format("Log directory {} is already formatted. Use --ignore-formatted to "
                              "ignore this directory and format the others.",
                              state.path));
  }
  LH_ASSIGN(BirthPlan plan, plan_birth(states, config, random));
  return carry_out(files, clock, plan, config, states,
                   options.bootstrap.empty() ? default_bootstrap() : options.bootstrap);
}

}  // namespace longhaul::broker::metadata
