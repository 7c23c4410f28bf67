#include "broker/metadata/features.h"

namespace longhaul::broker::metadata {

const std::map<std::string, FeatureRange>& supported_features() {
  static const std::map<std::string, FeatureRange> kSupported = {
      {kKraftVersion, {0, kKraftVersionLevel}},
      {kMetadataVersion, {kMetadataVersionLevel, kMetadataVersionLevel}},
  };
  return kSupported;
}

const std::map<std::string, int16_t>& default_features() {
  static const std::map<std::string, int16_t> kDefaults = {
      {kMetadataVersion, kMetadataVersionLevel},
  };
  return kDefaults;
}

}  // namespace longhaul::broker::metadata
