// What to do about a sync that failed (kSyncFailedName).
#pragma once

#include <string>

#include "base/file_system.h"

namespace longhaul::broker::log {

/// Writes a file's bytes over themselves, so that the next sync takes care of all of them.
base::Result<void> write_again(base::FileSystem& files, const std::string& path);

}  // namespace longhaul::broker::log
