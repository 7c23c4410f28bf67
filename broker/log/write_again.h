// What to do about a sync that failed.
#pragma once

#include <string>

#include "base/file_system.h"

namespace longhaul::broker::log {

/// Lies in a log's directory from a disk error until the log is opened again. A failed sync leaves
/// pages that are in memory and not on the disk, and that no later sync takes care of, not even
/// another process's: they have to be written again first.
inline constexpr const char* kSyncFailedName = "sync-failed";

/// Writes a file's bytes over themselves, so that the next sync takes care of all of them.
base::Result<void> write_again(base::FileSystem& files, const std::string& path);

}  // namespace longhaul::broker::log
