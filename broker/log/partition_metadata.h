// partition.metadata: which topic a log's directory belongs to (KIP-516).
#pragma once

#include <optional>

#include "base/result.h"
#include "base/uuid.h"
#include "broker/log/log_directory.h"

namespace longhaul::broker::log {

/// Absent if there is no such file. kCorrupt for a torn one, kUnsupported for a version that is not
/// 0.
base::Result<std::optional<base::Uuid>> read_partition_metadata(const LogDirectory& directory);
/// Not durable until `sync_partition_metadata`.
base::Result<void> write_partition_metadata(LogDirectory& directory, const base::Uuid& topic_id);
base::Result<void> sync_partition_metadata(const LogDirectory& directory);

}  // namespace longhaul::broker::log
