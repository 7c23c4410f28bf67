// meta.properties: whose log directory this is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "base/uuid.h"

namespace longhaul::broker::log {

inline constexpr const char* kMetaPropertiesName = "meta.properties";

/// Version 1 of the file, as kafka-storage writes it. What is absent was not in the file.
struct MetaProperties {
  std::string cluster_id;
  std::optional<int32_t> node_id;
  std::optional<base::Uuid> directory_id;
  bool operator==(const MetaProperties&) const = default;
};

/// Absent if the directory has no such file (it is not formatted). kCorrupt; kUnsupported for
/// another version.
base::Result<std::optional<MetaProperties>> read_meta_properties(base::FileSystem& files,
                                                                 const std::string& log_dir);
/// Durable when it returns. The directory must be there.
base::Result<void> write_meta_properties(base::FileSystem& files, const std::string& log_dir,
                                         const MetaProperties& properties);

}  // namespace longhaul::broker::log
