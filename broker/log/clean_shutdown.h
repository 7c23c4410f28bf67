// .kafka_cleanshutdown: the last stop was orderly, nothing has to be scanned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/result.h"

namespace longhaul::broker::log {

inline constexpr const char* kCleanShutdownName = ".kafka_cleanshutdown";

struct CleanShutdown {
  int64_t broker_epoch = -1;  // -1: not known
};

/// Absent if there is no marker. One without readable content (older versions') counts.
base::Result<std::optional<CleanShutdown>> read_clean_shutdown(base::FileSystem& files,
                                                               const std::string& log_dir);
/// Durable when it returns.
base::Result<void> write_clean_shutdown(base::FileSystem& files, const std::string& log_dir,
                                        const CleanShutdown& marker);
/// Durably gone when it returns, as is whatever else was removed from the directory before; fine if
/// there is none.
base::Result<void> remove_clean_shutdown(base::FileSystem& files, const std::string& log_dir);

}  // namespace longhaul::broker::log
