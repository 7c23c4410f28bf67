#include "broker/metadata/eligible_replicas.h"

#include <fmt/core.h>

#include <algorithm>

#include "broker/metadata/config_records.h"
#include "broker/metadata/features.h"
#include "broker/metadata/loader.h"

namespace longhaul::broker::metadata {
namespace {

constexpr const char* kMinInsync = "min.insync.replicas";
const ConfigResource kAllBrokers{ResourceType::kBroker, ""};

enum class Leaderless { kStaysEligible, kBecomesInSync };

/// After a ClearElrRecord.
void append_leaderless(const Topic& topic, Leaderless what, MetadataRecords& records) {
  for (size_t i = 0; i < topic.partitions.size(); ++i) {
    const Partition& partition = *topic.partitions[i];
    if (partition.leader != kNoLeader || !partition.isr.empty()) continue;
    if (partition.elr.empty() && partition.last_known_elr.empty()) continue;
    protocol::PartitionChangeRecord record;
    record.topic_id = topic.id;
    record.partition_id = static_cast<int32_t>(i);
    if (what == Leaderless::kBecomesInSync) {
      record.isr = partition.elr.empty() ? partition.last_known_elr : partition.elr;
    } else {
      if (!partition.elr.empty()) record.eligible_leader_replicas = partition.elr;
      if (!partition.last_known_elr.empty()) record.last_known_elr = partition.last_known_elr;
    }
    records.emplace_back(std::move(record));
  }
}

/// Of one topic or, if that is null, of all.
void append_clear_elr(const MetadataImage& image, const Topic* topic, Leaderless what,
                      MetadataRecords& records) {
  protocol::ClearElrRecord clear;
  if (topic != nullptr) clear.topic_name = topic->name;
  records.emplace_back(std::move(clear));
  if (topic != nullptr) return append_leaderless(*topic, what, records);
  BrokerTopic first{kNoLeader, {}};
  image.roles.from(first, [&](const BrokerTopic& key, const BrokerRoles&) {
    if (key.broker != kNoLeader) return false;
    append_leaderless(*image.topic(key.topic), what, records);
    return true;
  });
}

}  // namespace

ElectionRules election_rules(const MetadataImage& image, const ConfigRules& rules,
                             const std::string& topic, int32_t node) {
  return rules.election(image.config({ResourceType::kTopic, topic}), image.config(kAllBrokers),
                        image.config({ResourceType::kBroker, std::to_string(node)}));
}

std::vector<std::string> min_insync_warnings(const ImageStep& step, const ConfigRules& rules,
                                             int32_t node) {
  std::vector<std::string> warnings;
  auto look_at = [&](const Topic& topic) {
    int32_t least = election_rules(*step.after, rules, topic.name, node).min_insync_replicas;
    bool is_new = step.before->topic(topic.id) == nullptr;
    if (!is_new &&
        least == election_rules(*step.before, rules, topic.name, node).min_insync_replicas)
      return;
    size_t replicas = topic.partitions.front()->replicas.size();
    if (static_cast<size_t>(least) <= replicas) return;
    warnings.push_back(
        fmt::format("topic {}: {}={} is more than its {} replicas: all of them count", topic.name,
                    kMinInsync, least, replicas));
  };
  for (const auto& [id, change] : step.changes.topics)
    if (change.created) look_at(*step.after->topic(id));
  for (const ConfigResource& resource : step.changes.configs) {
    const Topic* topic =
        resource.type == ResourceType::kTopic ? step.after->topic(resource.name) : nullptr;
    if (topic != nullptr && step.before->topic(topic->id) != nullptr) look_at(*topic);
  }
  if (step.changes.configs.contains(kAllBrokers))
    step.after->topics.for_each([&](const auto&, const auto& topic) { look_at(*topic); });
  return warnings;
}

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

MetadataRecords clear_elr_records(const MetadataImage& image, const MetadataRecords& changes) {
  MetadataRecords records;
  if (!has_eligible_replicas(image)) return records;
  for (const MetadataRecord& change : changes) {
    const auto* option = std::get_if<protocol::ConfigRecord>(&change);
    if (option == nullptr || option->name != kMinInsync) continue;
    bool one_topic = option->resource_type == static_cast<int8_t>(ResourceType::kTopic);
    const Topic* topic = one_topic ? image.topic(std::string(option->resource_name)) : nullptr;
    append_clear_elr(image, topic, Leaderless::kStaysEligible, records);
  }
  return records;
}

MetadataRecords end_elr_records(const MetadataImage& image) {
  MetadataRecords records;
  append_clear_elr(image, nullptr, Leaderless::kBecomesInSync, records);
  return records;
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
