// bootstrap.checkpoint: the records with which a new cluster's metadata begins.
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "broker/metadata/record.h"

namespace longhaul::broker::metadata {

inline constexpr const char* kBootstrapName = "bootstrap.checkpoint";

/// FeatureLevelRecords of `default_features`, metadata.version first.
MetadataRecords default_bootstrap();

/// Writes LOG_DIR/bootstrap.checkpoint, durably.
base::Result<void> write_bootstrap(base::FileSystem& files, const std::string& log_dir,
                                   const MetadataRecords& records, int64_t now_ms);

/// Reads it; the default where there is no such file. kCorrupt.
base::Result<MetadataRecords> read_bootstrap(base::FileSystem& files, const std::string& log_dir);

}  // namespace longhaul::broker::metadata
