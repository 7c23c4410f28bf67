// What a crash left of segments that were about to be replaced.
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"

namespace longhaul::broker::log {

/// Before a log is opened: puts its directory into the state from before a replacement, or from
/// after it, whichever was decided when it was interrupted (by us or by Apache Kafka; the rules are
/// in docs/formats/log-directory.md). Interrupted itself, it is done again. A directory that is not
/// there is fine. kCorrupt if a segment that has lost its originals cannot be read.
base::Result<void> settle_swaps(base::FileSystem& files, const std::string& path);

}  // namespace longhaul::broker::log
