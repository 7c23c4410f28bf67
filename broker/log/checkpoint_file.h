// Kafka's small text files of offsets: a version, a count, and one line an entry.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

namespace longhaul::broker::log {

/// "topic partition offset" lines, by topic and partition: recovery-point-offset-checkpoint,
/// log-start-offset-checkpoint, replication-offset-checkpoint, cleaner-offset-checkpoint.
using OffsetCheckpoint = std::map<std::pair<std::string, int32_t>, int64_t>;

/// A file that is not there is empty. kCorrupt.
base::Result<OffsetCheckpoint> read_offset_checkpoint(base::FileSystem& files,
                                                      const std::string& path);
/// Durable when it returns. Leaves a file alone that holds the same already.
base::Result<void> write_offset_checkpoint(base::FileSystem& files, const std::string& path,
                                           const OffsetCheckpoint& checkpoint);

/// Lines of "epoch offset": leader-epoch-checkpoint.
using EpochLines = std::vector<std::pair<int32_t, int64_t>>;
base::Result<EpochLines> read_epoch_checkpoint(base::FileSystem& files, const std::string& path);
base::Result<void> write_epoch_checkpoint(base::FileSystem& files, const std::string& path,
                                          const EpochLines& lines);

}  // namespace longhaul::broker::log
