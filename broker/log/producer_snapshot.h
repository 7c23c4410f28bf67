// .snapshot: the producers of a partition at an offset, in Kafka's format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "broker/log/producer_state.h"

namespace longhaul::broker::log {

/// Of each producer the newest batch only, as in Kafka. Not synced when it returns unless `sync`:
/// its CRC tells a torn one, and an older one will do.
base::Result<void> write_producer_snapshot(base::FileSystem& files, const std::string& path,
                                           const std::vector<ProducerEntry>& entries, bool sync);
/// kCorrupt if it is torn or otherwise not right.
base::Result<std::vector<ProducerEntry>> read_producer_snapshot(base::FileSystem& files,
                                                                const std::string& path);

}  // namespace longhaul::broker::log
