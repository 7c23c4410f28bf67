// Snapshots: an image as a file (KIP-630), %020d-%010d.checkpoint by end offset and epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "broker/metadata/image.h"
#include "broker/metadata/record.h"
#include "broker/raft/types.h"

namespace longhaul::broker::metadata {

inline constexpr std::string_view kCheckpointExtension = ".checkpoint";
/// While a snapshot is being written, its name ends so; what is left of one is removed at start.
inline constexpr std::string_view kPartExtension = ".checkpoint.part";

std::string snapshot_name(const raft::OffsetAndEpoch& id);
/// Absent if the name is not that of a snapshot.
std::optional<raft::OffsetAndEpoch> parse_snapshot_name(std::string_view name);

/// Calls `visit` with records that make this image out of an empty one, always in the same order.
void image_records(const MetadataImage& image, const std::function<void(MetadataRecord)>& visit);

/// Writes `directory`/NAME.checkpoint, durable when it returns. The name is the image's
/// provenance. May run on any thread.
base::Result<void> write_snapshot(base::FileSystem& files, const std::string& directory,
                                  const MetadataImage& image, const raft::VoterSet& voters,
                                  int64_t now_ms);

/// What a snapshot holds.
struct Snapshot {
  raft::OffsetAndEpoch id;
  Shared<MetadataImage> image;  ///< with the snapshot's ID as provenance
  raft::VoterSet voters;
};

/// Reads and checks a whole snapshot, from its header to its footer. kCorrupt if anything is
/// missing or wrong.
base::Result<Snapshot> read_snapshot(base::FileSystem& files, const std::string& directory,
                                     const raft::OffsetAndEpoch& id);

/// The same of a file whatever its name.
base::Result<Snapshot> read_snapshot_file(base::FileSystem& files, const std::string& path,
                                          const raft::OffsetAndEpoch& id);

/// The timestamp of the last record that a snapshot contains, in ms: from its header alone, so even
/// of a large one at once. kCorrupt if there is none.
base::Result<int64_t> read_snapshot_timestamp(base::FileSystem& files, const std::string& directory,
                                              const raft::OffsetAndEpoch& id);

/// IDs of the snapshots in a directory, oldest first; empty if there is no directory.
base::Result<std::vector<raft::OffsetAndEpoch>> list_snapshots(base::FileSystem& files,
                                                               const std::string& directory);

}  // namespace longhaul::broker::metadata
