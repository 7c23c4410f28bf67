#include "broker/metadata/features.h"

namespace longhaul::broker::metadata {

const std::map<std::string, FeatureRange>& supported_features() {
  static const std::map<std::string, FeatureRange> kSupported = {
      {kElrFeature, {0, kElrLevel}},
      {kKraftVersion, {0, kKraftVersionLevel}},
      {kMetadataVersion, {kMetadataVersionLevel, kMetadataVersionLevel}},
  };
  return kSupported;
}

std::string unsupported_features(const MetadataImage& image) {
  std::string names;
  for (const auto& [name, level] : image.features) {
    auto range = supported_features().find(name);
    bool supported = range != supported_features().end() && level >= range->second.min &&
                     level <= range->second.max;
    if (supported) continue;
    names += (names.empty() ? "" : ", ") + name + " " + std::to_string(level);
  }
  return names;
}

const std::map<std::string, int16_t>& default_features() {
  static const std::map<std::string, int16_t> kDefaults = {
      {kElrFeature, kElrLevel},
      {kMetadataVersion, kMetadataVersionLevel},
  };
  return kDefaults;
}

}  // namespace longhaul::broker::metadata
