#include "broker/metadata/delta.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "broker/metadata/topic_name.h"

namespace longhaul::broker::metadata {
namespace {

using base::Errc;
using base::fail;

std::vector<BrokerEndpoint> endpoints_of(const auto& endpoints) {
  std::vector<BrokerEndpoint> result;
  for (const auto& endpoint : endpoints)
    result.push_back({std::string(endpoint.name), std::string(endpoint.host), endpoint.port,
                      static_cast<SecurityProtocol>(endpoint.security_protocol)});
  return result;
}

std::map<std::string, FeatureRange> features_of(const auto& features) {
  std::map<std::string, FeatureRange> result;
  for (const auto& feature : features)
    result[std::string(feature.name)] = {feature.min_supported_version,
                                         feature.max_supported_version};
  return result;
}

/// Kafka's order; every list of directories in an image is sorted.
std::vector<base::Uuid> sorted(std::vector<base::Uuid> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

MetadataDelta::MetadataDelta(Shared<MetadataImage> base) : base_(std::move(base)), next_(*base_) {}

base::Result<void> MetadataDelta::apply(const MetadataRecord& record, int64_t offset) {
  auto done = std::visit([this](const auto& known) { return on(known); }, record);
  if (!done)
    return base::fail_in(
        fmt::format("metadata record {} at offset {}", record_name(record), offset),
        std::move(done).error());
  return {};
}

void MetadataDelta::set_kraft_version(int16_t level) {
  next_.kraft_version = level;
  changes_.features = true;
}

base::Result<Shared<MetadataImage>> MetadataDelta::finish(raft::OffsetAndEpoch provenance,
                                                          int64_t timestamp_ms) {
  for (auto& [id, topic] : open_topics_) {
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      if (topic->partitions[i] == nullptr)
        return fail(Errc::kCorrupt,
                    fmt::format("topic '{}' has no partition {} but later ones", topic->name, i));
    }
    next_.topics = next_.topics.with(id, std::move(topic));
  }
  open_topics_.clear();
  put_roles();
  next_.provenance = provenance;
  next_.last_timestamp_ms = timestamp_ms;
  return Shared<MetadataImage>(std::make_shared<const MetadataImage>(std::move(next_)));
}

void MetadataDelta::count_roles(const base::Uuid& topic, const Partition* before,
                                const Partition* now) {
  auto count = [&](const Partition* partition, int32_t by) {
    if (partition == nullptr) return;
    role_changes_[{partition->leader, topic}].leads += by;
    for (int32_t id : partition->isr) role_changes_[{id, topic}].in_sync += by;
    for (int32_t id : partition->elr) role_changes_[{id, topic}].eligible += by;
  };
  count(before, -1);
  count(now, +1);
}

void MetadataDelta::put_roles() {
  for (const auto& [key, change] : role_changes_) {
    if (change == BrokerRoles{}) continue;
    const BrokerRoles* known = next_.roles.find(key);
    BrokerRoles roles = known == nullptr ? BrokerRoles{} : *known;
    roles.leads += change.leads;
    roles.in_sync += change.in_sync;
    roles.eligible += change.eligible;
    next_.roles = roles == BrokerRoles{} ? next_.roles.without(key) : next_.roles.with(key, roles);
  }
  role_changes_.clear();
}

Topic* MetadataDelta::open_topic(const base::Uuid& id) {
  auto open = open_topics_.find(id);
  if (open != open_topics_.end()) return open->second.get();
  const Topic* topic = next_.topic(id);
  if (topic == nullptr) return nullptr;
  return open_topics_.emplace(id, std::make_shared<Topic>(*topic)).first->second.get();
}

MetadataDelta::Done MetadataDelta::on(const protocol::TopicRecord& record) {
  std::string name(record.name);
  if (next_.topic_ids.contains(name))
    return fail(Errc::kCorrupt, fmt::format("there is a topic '{}' already", name));
  if (open_topics_.contains(record.topic_id) || next_.topics.contains(record.topic_id))
    return fail(Errc::kCorrupt,
                fmt::format("there is a topic {} already", record.topic_id.to_string()));
  open_topics_[record.topic_id] = std::make_shared<Topic>(Topic{name, record.topic_id, {}});
  next_.topic_ids = next_.topic_ids.with(name, record.topic_id);
  if (may_collide(name))
    next_.topic_collisions = next_.topic_collisions.with(collision_key(name), name);
  changes_.topics[record.topic_id].created = true;
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::PartitionRecord& record) {
  // The bound keeps a corrupt index from asking for memory; no topic of Kafka's comes near it.
  constexpr int32_t kMostPartitions = 1'000'000;
  Topic* topic = open_topic(record.topic_id);
  if (topic == nullptr)
    return fail(Errc::kCorrupt, fmt::format("no topic {}", record.topic_id.to_string()));
  if (record.partition_id < 0 || record.partition_id >= kMostPartitions)
    return fail(Errc::kCorrupt,
                fmt::format("partition {} of '{}'", record.partition_id, topic->name));
  auto index = static_cast<size_t>(record.partition_id);
  if (index >= topic->partitions.size()) topic->partitions.resize(index + 1);
  if (topic->partitions[index] == nullptr) ++next_.partition_count;
  auto partition = std::make_shared<Partition>();
  partition->replicas = record.replicas;
  partition->isr = record.isr;
  partition->removing = record.removing_replicas;
  partition->adding = record.adding_replicas;
  partition->directories = record.directories;
  partition->directories.resize(record.replicas.size());
  if (record.eligible_leader_replicas) partition->elr = *record.eligible_leader_replicas;
  if (record.last_known_elr) partition->last_known_elr = *record.last_known_elr;
  partition->leader = record.leader;
  partition->leader_epoch = record.leader_epoch;
  partition->partition_epoch = record.partition_epoch;
  partition->leader_recovery_state = record.leader_recovery_state;
  count_roles(record.topic_id, topic->partitions[index].get(), partition.get());
  topic->partitions[index] = std::move(partition);
  changes_.topics[record.topic_id].partitions.insert(record.partition_id);
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::PartitionChangeRecord& record) {
  Topic* topic = open_topic(record.topic_id);
  const Partition* old = topic == nullptr ? nullptr : topic->partition(record.partition_id);
  if (old == nullptr)
    return fail(Errc::kCorrupt, fmt::format("no partition {} of topic {}", record.partition_id,
                                            record.topic_id.to_string()));
  auto partition = std::make_shared<Partition>(*old);
  if (record.isr) partition->isr = *record.isr;
  if (record.replicas) partition->replicas = *record.replicas;
  if (record.removing_replicas) partition->removing = *record.removing_replicas;
  if (record.adding_replicas) partition->adding = *record.adding_replicas;
  if (record.directories) partition->directories = *record.directories;
  partition->directories.resize(partition->replicas.size());
  if (record.eligible_leader_replicas) partition->elr = *record.eligible_leader_replicas;
  if (record.last_known_elr) partition->last_known_elr = *record.last_known_elr;
  if (record.leader_recovery_state >= 0)
    partition->leader_recovery_state = record.leader_recovery_state;
  if (record.leader != kLeaderUnchanged) {
    partition->leader = record.leader;
    ++partition->leader_epoch;
  }
  ++partition->partition_epoch;
  count_roles(record.topic_id, old, partition.get());
  topic->partitions[static_cast<size_t>(record.partition_id)] = std::move(partition);
  changes_.topics[record.topic_id].partitions.insert(record.partition_id);
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::RemoveTopicRecord& record) {
  const base::Uuid& id = record.topic_id;
  const Topic* topic = open_topic(id);
  if (topic == nullptr) return fail(Errc::kCorrupt, fmt::format("no topic {}", id.to_string()));
  auto partitions = std::count_if(topic->partitions.begin(), topic->partitions.end(),
                                  [](const auto& partition) { return partition != nullptr; });
  next_.partition_count -= partitions;
  for (const auto& partition : topic->partitions) count_roles(id, partition.get(), nullptr);
  ConfigResource resource{ResourceType::kTopic, topic->name};
  if (next_.configs.contains(resource)) changes_.configs.insert(resource);
  next_.configs = next_.configs.without(resource);
  next_.topic_ids = next_.topic_ids.without(topic->name);
  std::string key = collision_key(topic->name);
  const std::string* noted = next_.topic_collisions.find(key);
  if (noted != nullptr && *noted == topic->name)
    next_.topic_collisions = next_.topic_collisions.without(key);
  next_.topics = next_.topics.without(id);
  open_topics_.erase(id);
  changes_.topics.erase(id);
  if (const Shared<Topic>* before = base_->topics.find(id)) changes_.deleted_topics[id] = *before;
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::ClearElrRecord& record) {
  std::vector<base::Uuid> ids;
  if (!record.topic_name.empty()) {
    const base::Uuid* id = next_.topic_ids.find(std::string(record.topic_name));
    if (id == nullptr) return fail(Errc::kCorrupt, fmt::format("no topic '{}'", record.topic_name));
    ids.push_back(*id);
  } else {
    next_.topic_ids.for_each([&](const auto&, const base::Uuid& id) { ids.push_back(id); });
  }
  for (const base::Uuid& id : ids) {
    Topic* topic = open_topic(id);
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      const auto& old = topic->partitions[i];
      if (old == nullptr || (old->elr.empty() && old->last_known_elr.empty())) continue;
      auto partition = std::make_shared<Partition>(*old);
      partition->elr.clear();
      partition->last_known_elr.clear();
      count_roles(id, old.get(), partition.get());
      topic->partitions[i] = std::move(partition);
      changes_.topics[id].partitions.insert(static_cast<int32_t>(i));
    }
  }
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::ConfigRecord& record) {
  ConfigResource resource{static_cast<ResourceType>(record.resource_type),
                          std::string(record.resource_name)};
  auto changed = std::make_shared<ConfigMap>(next_.config(resource));
  if (record.value) {
    (*changed)[std::string(record.name)] = std::string(*record.value);
  } else {
    changed->erase(std::string(record.name));
  }
  next_.configs = changed->empty() ? next_.configs.without(resource)
                                   : next_.configs.with(resource, std::move(changed));
  changes_.configs.insert(std::move(resource));
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::FeatureLevelRecord& record) {
  std::string name(record.name);
  if (record.feature_level == 0) {
    next_.features.erase(name);
  } else {
    next_.features[name] = record.feature_level;
  }
  changes_.features = true;
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::ProducerIdsRecord& record) {
  next_.next_producer_id = record.next_producer_id;
  changes_.producer_ids = true;
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::RegisterBrokerRecord& record) {
  auto broker = std::make_shared<Broker>();
  broker->id = record.broker_id;
  broker->epoch = record.broker_epoch;
  broker->incarnation = record.incarnation_id;
  broker->endpoints = endpoints_of(record.end_points);
  broker->features = features_of(record.features);
  if (record.rack) broker->rack = std::string(*record.rack);
  broker->directories = sorted(record.log_dirs);
  if (record.cordoned_log_dirs) broker->cordoned = sorted(*record.cordoned_log_dirs);
  broker->fenced = record.fenced;
  broker->in_controlled_shutdown = record.in_controlled_shutdown;
  put_broker(std::move(broker));
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::UnregisterBrokerRecord& record) {
  LH_ASSIGN(auto broker, open_broker(record.broker_id, record.broker_epoch));
  next_.brokers = next_.brokers.without(broker->id);
  changes_.brokers.insert(broker->id);
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::FenceBrokerRecord& record) {
  LH_ASSIGN(auto broker, open_broker(record.id, record.epoch));
  broker->fenced = true;
  put_broker(std::move(broker));
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::UnfenceBrokerRecord& record) {
  LH_ASSIGN(auto broker, open_broker(record.id, record.epoch));
  broker->fenced = false;
  put_broker(std::move(broker));
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::BrokerRegistrationChangeRecord& record) {
  LH_ASSIGN(auto broker, open_broker(record.broker_id, record.broker_epoch));
  if (record.fenced != 0) broker->fenced = record.fenced > 0;
  if (record.in_controlled_shutdown > 0) broker->in_controlled_shutdown = true;
  if (!record.log_dirs.empty()) broker->directories = sorted(record.log_dirs);
  if (record.cordoned_log_dirs) broker->cordoned = sorted(*record.cordoned_log_dirs);
  put_broker(std::move(broker));
  return {};
}

MetadataDelta::Done MetadataDelta::on(const protocol::RegisterControllerRecord& record) {
  auto controller = std::make_shared<ControllerRegistration>();
  controller->id = record.controller_id;
  controller->incarnation = record.incarnation_id;
  controller->endpoints = endpoints_of(record.end_points);
  controller->features = features_of(record.features);
  next_.controllers = next_.controllers.with(controller->id, controller);
  return {};
}

base::Result<std::shared_ptr<Broker>> MetadataDelta::open_broker(int32_t id, int64_t epoch) {
  const Broker* broker = next_.broker(id);
  if (broker == nullptr) return fail(Errc::kCorrupt, fmt::format("no broker {}", id));
  if (broker->epoch != epoch)
    return fail(Errc::kCorrupt, fmt::format("broker {} is registered at epoch {}, not {}", id,
                                            broker->epoch, epoch));
  return std::make_shared<Broker>(*broker);
}

void MetadataDelta::put_broker(std::shared_ptr<Broker> broker) {
  int32_t id = broker->id;
  next_.brokers = next_.brokers.with(id, std::move(broker));
  changes_.brokers.insert(id);
}

}  // namespace longhaul::broker::metadata
