// The difference of two sets of options as records.
#pragma once

#include "broker/metadata/image.h"
#include "broker/metadata/record.h"

namespace longhaul::broker::metadata {

/// Appends a ConfigRecord for each option that `after` has anew, differently or no longer.
void append_config_records(const ConfigResource& resource, const ConfigMap& before,
                           const ConfigMap& after, MetadataRecords& records);

}  // namespace longhaul::broker::metadata
