// Brokers make themselves known and come alive (KIP-631), controllers make themselves known.
#include <fmt/core.h>

#include <algorithm>

#include "broker/metadata/controller.h"
#include "broker/metadata/features.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using Registration = protocol::BrokerRegistrationRequest;

/// The broker must be able to run at every level that is finalized. A range of 0–0 of kraft.version
/// is what older brokers that do not name it have.
bool supports_finalized(const MetadataImage& image, const Registration& request) {
  for (const auto& [name, level] : image.features) {
    auto range = std::find_if(request.features.begin(), request.features.end(),
                              [&](const auto& feature) { return feature.name == name; });
    if (range == request.features.end() || level < range->min_supported_version ||
        level > range->max_supported_version)
      return false;
  }
  return true;
}

/// True if one of the broker's log directories is registered by another broker.
bool shares_directory(const MetadataImage& image, const Registration& request) {
  bool shared = false;
  image.brokers.for_each([&](int32_t id, const Shared<Broker>& broker) {
    if (id == request.broker_id) return;
    for (const base::Uuid& directory : request.log_dirs)
      shared |=
          std::binary_search(broker->directories.begin(), broker->directories.end(), directory);
  });
  return shared;
}

ErrorCode check(const ControllerInput& input, const Registration& request) {
  if (request.cluster_id != input.settings.cluster_id) return ErrorCode::kInconsistentClusterId;
  if (request.broker_id < 0 || request.listeners.empty() || request.incarnation_id.is_zero())
    return ErrorCode::kInvalidRegistration;
  if (request.is_migrating_zk_broker) return ErrorCode::kInvalidRegistration;
  if (shares_directory(input.image, request)) return ErrorCode::kInvalidRegistration;
  if (!supports_finalized(input.image, request)) return ErrorCode::kUnsupportedVersion;
  return ErrorCode::kNone;
}

/// Brokers and controllers have the same, in types of their own.
template <class Request, class Record>
void copy_endpoints_and_features(const Request& request, Record& record) {
  for (const auto& listener : request.listeners) {
    auto& endpoint = record.end_points.emplace_back();
    endpoint.name = listener.name;
    endpoint.host = listener.host;
    endpoint.port = listener.port;
    endpoint.security_protocol = listener.security_protocol;
  }
  for (const auto& feature : request.features) {
    auto& range = record.features.emplace_back();
    range.name = feature.name;
    range.min_supported_version = feature.min_supported_version;
    range.max_supported_version = feature.max_supported_version;
  }
}

protocol::RegisterBrokerRecord record_of(const Registration& request, int64_t epoch) {
  protocol::RegisterBrokerRecord record;
  record.broker_id = request.broker_id;
  record.incarnation_id = request.incarnation_id;
  record.broker_epoch = epoch;
  copy_endpoints_and_features(request, record);
  record.rack = request.rack;
  record.fenced = true;
  record.log_dirs = request.log_dirs;
  return record;
}

/// Partitions without a leader that this broker may lead, now that it is alive.
void lead_orphans(const MetadataImage& image, int32_t broker_id, MetadataRecords& records) {
  image.topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      const Partition& partition = *topic->partitions[i];
      if (partition.leader != kNoLeader) continue;
      if (std::count(partition.isr.begin(), partition.isr.end(), broker_id) == 0) continue;
      protocol::PartitionChangeRecord change;
      change.topic_id = id;
      change.partition_id = static_cast<int32_t>(i);
      change.leader = broker_id;
      records.emplace_back(std::move(change));
    }
  });
}

}  // namespace

Decision<protocol::BrokerRegistrationResponse> register_broker(const ControllerInput& input,
                                                               const Registration& request) {
  Decision<protocol::BrokerRegistrationResponse> decision;
  decision.response.error_code = check(input, request);
  if (decision.response.error_code != ErrorCode::kNone) return decision;
  const Broker* known = input.image.broker(request.broker_id);
  bool same_run = known != nullptr && known->incarnation == request.incarnation_id;
  int64_t epoch = same_run ? known->epoch : input.next_offset;
  decision.records.emplace_back(record_of(request, epoch));
  decision.response.broker_epoch = epoch;
  return decision;
}

Decision<protocol::BrokerHeartbeatResponse> broker_heartbeat(
    const ControllerInput& input, const protocol::BrokerHeartbeatRequest& request) {
  Decision<protocol::BrokerHeartbeatResponse> decision;
  auto& response = decision.response;
  const Broker* broker = input.image.broker(request.broker_id);
  if (broker == nullptr) {
    response.error_code = ErrorCode::kBrokerIdNotRegistered;
    return decision;
  }
  if (broker->epoch != request.broker_epoch) {
    response.error_code = ErrorCode::kStaleBrokerEpoch;
    return decision;
  }
  response.is_caught_up = request.current_metadata_offset >= broker->epoch;
  response.is_fenced = broker->fenced;
  if (!broker->fenced || request.want_fence || !response.is_caught_up) return decision;
  protocol::BrokerRegistrationChangeRecord change;
  change.broker_id = broker->id;
  change.broker_epoch = broker->epoch;
  change.fenced = -1;
  decision.records.emplace_back(std::move(change));
  lead_orphans(input.image, broker->id, decision.records);
  response.is_fenced = false;
  return decision;
}

Decision<protocol::ControllerRegistrationResponse> register_controller(
    const ControllerInput& input, const protocol::ControllerRegistrationRequest& request) {
  Decision<protocol::ControllerRegistrationResponse> decision;
  decision.response.error_message.reset();
  const auto* known = input.image.controllers.find(request.controller_id);
  if (known != nullptr && (*known)->incarnation == request.incarnation_id) return decision;
  protocol::RegisterControllerRecord record;
  record.controller_id = request.controller_id;
  record.incarnation_id = request.incarnation_id;
  copy_endpoints_and_features(request, record);
  decision.records.emplace_back(std::move(record));
  return decision;
}

}  // namespace longhaul::broker::metadata
