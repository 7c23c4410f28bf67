// An image as the records that make it.
#include "broker/metadata/config_records.h"
#include "broker/metadata/features.h"
#include "broker/metadata/snapshot.h"

namespace longhaul::broker::metadata {
namespace {

template <class Record>
void put_endpoints(Record& record, const std::vector<BrokerEndpoint>& endpoints) {
  for (const BrokerEndpoint& endpoint : endpoints) {
    auto& entry = record.end_points.emplace_back();
    entry.name = endpoint.listener;
    entry.host = endpoint.host;
    entry.port = endpoint.port;
    entry.security_protocol = static_cast<int16_t>(endpoint.protocol);
  }
}

template <class Record>
void put_features(Record& record, const std::map<std::string, FeatureRange>& features) {
  for (const auto& [name, range] : features) {
    auto& entry = record.features.emplace_back();
    entry.name = name;
    entry.min_supported_version = range.min;
    entry.max_supported_version = range.max;
  }
}

protocol::FeatureLevelRecord feature_record(const std::string& name, int16_t level) {
  protocol::FeatureLevelRecord record;
  record.name = name;
  record.feature_level = level;
  return record;
}

protocol::RegisterBrokerRecord broker_record(const Broker& broker) {
  protocol::RegisterBrokerRecord record;
  record.broker_id = broker.id;
  record.incarnation_id = broker.incarnation;
  record.broker_epoch = broker.epoch;
  put_endpoints(record, broker.endpoints);
  put_features(record, broker.features);
  record.rack = broker.rack;
  record.fenced = broker.fenced;
  record.in_controlled_shutdown = broker.in_controlled_shutdown;
  record.log_dirs = broker.directories;
  if (!broker.cordoned.empty()) record.cordoned_log_dirs = broker.cordoned;
  return record;
}

protocol::RegisterControllerRecord controller_record(const ControllerRegistration& controller) {
  protocol::RegisterControllerRecord record;
  record.controller_id = controller.id;
  record.incarnation_id = controller.incarnation;
  put_endpoints(record, controller.endpoints);
  put_features(record, controller.features);
  return record;
}

protocol::PartitionRecord partition_record(const base::Uuid& topic, int32_t index,
                                           const Partition& partition) {
  protocol::PartitionRecord record;
  record.partition_id = index;
  record.topic_id = topic;
  record.replicas = partition.replicas;
  record.isr = partition.isr;
  record.removing_replicas = partition.removing;
  record.adding_replicas = partition.adding;
  record.leader = partition.leader;
  record.leader_recovery_state = partition.leader_recovery_state;
  record.leader_epoch = partition.leader_epoch;
  record.partition_epoch = partition.partition_epoch;
  record.directories = partition.directories;
  if (!partition.elr.empty()) record.eligible_leader_replicas = partition.elr;
  if (!partition.last_known_elr.empty()) record.last_known_elr = partition.last_known_elr;
  return record;
}

}  // namespace

void image_records(const MetadataImage& image, const std::function<void(MetadataRecord)>& visit) {
  // metadata.version stands first: it says how to read all others.
  if (int16_t level = image.feature_level(kMetadataVersion); level != 0)
    visit(feature_record(kMetadataVersion, level));
  for (const auto& [name, level] : image.features) {
    if (name != kMetadataVersion) visit(feature_record(name, level));
  }
  image.controllers.for_each(
      [&](int32_t, const auto& controller) { visit(controller_record(*controller)); });
  image.brokers.for_each([&](int32_t, const auto& broker) { visit(broker_record(*broker)); });
  image.topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    protocol::TopicRecord record;
    record.name = topic->name;
    record.topic_id = id;
    visit(std::move(record));
    for (size_t i = 0; i < topic->partitions.size(); ++i)
      visit(partition_record(id, static_cast<int32_t>(i), *topic->partitions[i]));
  });
  image.configs.for_each([&](const ConfigResource& resource, const Shared<ConfigMap>& values) {
    MetadataRecords records;
    append_config_records(resource, {}, *values, records);
    for (MetadataRecord& record : records) visit(std::move(record));
  });
  if (image.next_producer_id != 0) {
    protocol::ProducerIdsRecord record;
    record.broker_id = -1;
    record.next_producer_id = image.next_producer_id;
    visit(std::move(record));
  }
}

}  // namespace longhaul::broker::metadata
