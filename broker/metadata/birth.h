// How log directories become part of a cluster. An empty directory is never formatted silently: a
// volume that was lost must not found a second cluster (design: Birth).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/random.h"
#include "base/result.h"
#include "base/uuid.h"
#include "broker/metadata/record.h"
#include "broker/raft/types.h"

namespace longhaul::broker::metadata {

inline constexpr const char* kMetadataLogName = "__cluster_metadata-0";

/// What `longhaul.format` gives a broker leave to do with empty directories.
enum class FormatPermission {
  kRefuse,  ///< nothing: they are a mistake or a lost volume
  kJoin,    ///< be part of the cluster `cluster_id`, as an observer of its quorum
  kFound,   ///< be the first voter of the new cluster `cluster_id`
};

struct BirthConfig {
  FormatPermission permission = FormatPermission::kRefuse;
  std::string cluster_id;                  ///< empty: none was given
  std::optional<base::Uuid> directory_id;  ///< of the metadata directory; absent: a random one
  int32_t node_id = -1;
  std::vector<std::string> log_dirs;
  std::string metadata_dir;  ///< metadata.log.dir: one of `log_dirs`, or another one
  std::vector<raft::Endpoint> controller_endpoints;  ///< of the founding voter
  /// Who founds the quorum together, if it is not this node alone; all of them are told the same.
  std::vector<raft::Voter> initial_controllers;
};

/// What was found in one directory.
struct DirectoryState {
  std::string path;
  bool formatted = false;
  std::string cluster_id;          ///< if formatted
  std::optional<int32_t> node_id;  ///< likewise
  base::Uuid directory_id;         ///< likewise; zero if the file has none
  /// An entry that has no place in an unformatted directory: somebody else's, or Kafka's logs
  /// without their meta.properties. Empty if there is none.
  std::string stranger;
  /// Snapshots lie in an unformatted directory: a founding was cut short, or its name was lost.
  bool has_snapshots = false;
};

/// What a node is to do with its directories.
struct BirthPlan {
  struct Format {
    std::string path;
    base::Uuid directory_id;
    bool founding = false;  ///< write the founding snapshot of the quorum
  };
  std::string cluster_id;
  std::vector<Format> format;
};

/// Decides; touches nothing. Errors say what to do: kConflict (a directory of another cluster or
/// node), kPermission (empty, and no leave), kInvalidArgument (leave without a cluster ID).
base::Result<BirthPlan> plan_birth(const std::vector<DirectoryState>& directories,
                                   const BirthConfig& config, base::Random& random);

/// Who this node is, once its directories are in order.
struct Identity {
  std::string cluster_id;
  base::Uuid metadata_directory_id;
  std::vector<std::string> formatted;  ///< directories that were formatted just now
  bool founded = false;
};

/// Looks at the directories (creating those that are absent), plans, and formats what the plan
/// says: bootstrap.checkpoint and the founding snapshot first, meta.properties last, so that a
/// crash in between leaves a directory that still counts as empty. A directory on a disk that fails
/// is passed over, unless it is the metadata's: the node can do without.
base::Result<Identity> ensure_born(base::FileSystem& files, const base::Clock& clock,
                                   base::Random& random, const BirthConfig& config);

/// `longhaul-broker format`, as kafka-storage does it. With `standalone`, or where the initial
/// controllers name this node, the metadata directory becomes that of one of the quorum's first
/// voters (with the directory ID that they name), else an observer's. A directory that is formatted
/// already is an error (kAlreadyExists) unless `ignore_formatted`.
struct FormatOptions {
  BirthConfig birth;  ///< its permission is not looked at
  bool standalone = false;
  bool ignore_formatted = false;
  MetadataRecords bootstrap;  ///< empty: the default
};
base::Result<Identity> format(base::FileSystem& files, const base::Clock& clock,
                              base::Random& random, const FormatOptions& options);

}  // namespace longhaul::broker::metadata
