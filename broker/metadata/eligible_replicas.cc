#include "broker/metadata/eligible_replicas.h"

#include <fmt/core.h>

#include <algorithm>

#include "broker/metadata/config_records.h"
#include "broker/metadata/features.h"

namespace longhaul::broker::metadata {
namespace {

constexpr const char* kMinInsync = "min.insync.replicas";
const ConfigResource kAllBrokers{ResourceType::kBroker, ""};

}  // namespace

bool has_eligible_replicas(const MetadataImage& image) {
  return image.feature_level(kElrFeature) > 0;
}

bool finalizes_eligible_replicas(const MetadataRecords& bootstrap) {
  return std::any_of(bootstrap.begin(), bootstrap.end(), [](const MetadataRecord& record) {
    const auto* level = std::get_if<protocol::FeatureLevelRecord>(&record);
    return level && level->name == kElrFeature && level->feature_level > 0;
  });
}

void append_min_insync_records(const MetadataImage& image, const ConfigRules& rules,
                               MetadataRecords& records) {
  const ConfigMap& before = image.config(kAllBrokers);
  ConfigMap after = before;
  after.emplace(kMinInsync, std::to_string(rules.election({}, before, {}).min_insync_replicas));
  append_config_records(kAllBrokers, before, after, records);
  image.configs.for_each([&](const ConfigResource& resource, const Shared<ConfigMap>& own) {
    if (resource.type != ResourceType::kBroker || resource.name.empty()) return;
    ConfigMap rest = *own;
    rest.erase(kMinInsync);
    append_config_records(resource, *own, rest, records);
  });
}

protocol::KafkaResult<> check_min_insync(const MetadataImage& image, const ConfigResource& resource,
                                         const ConfigMap& after) {
  if (resource.type != ResourceType::kBroker || !has_eligible_replicas(image)) return {};
  bool is_set = after.contains(kMinInsync);
  if (resource.name.empty() && !is_set && image.config(resource).contains(kMinInsync))
    return protocol::kafka_fail(
        protocol::ErrorCode::kInvalidConfig,
        fmt::format("{} of all brokers can be changed but not removed while {} is above 0.",
                    kMinInsync, kElrFeature));
  if (!resource.name.empty() && is_set)
    return protocol::kafka_fail(
        protocol::ErrorCode::kInvalidConfig,
        fmt::format("A single broker can have no {} of its own while {} is above 0: set it for "
                    "all brokers or for topics.",
                    kMinInsync, kElrFeature));
  return {};
}

}  // namespace longhaul::broker::metadata
