// Brokers and controllers make themselves known (KIP-631, KIP-919).
#include <fmt/core.h>

#include <algorithm>

#include "broker/metadata/controller.h"
#include "broker/metadata/features.h"
#include "broker/metadata/heartbeat_tracker.h"
#include "broker/metadata/partition_updates.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using Registration = protocol::BrokerRegistrationRequest;

/// The broker must be able to run at every level that is finalized.
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

/// Each of the broker's log directories once, and none of DirectoryId's first hundred values, which
/// do not name directories.
bool names_directories(const Registration& request) {
  std::vector<base::Uuid> ids = request.log_dirs;
  std::sort(ids.begin(), ids.end());
  base::Uuid last_reserved;
  last_reserved.bytes.back() = 99;
  return !ids.empty() && ids.front() > last_reserved &&
         std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

ErrorCode check(const ControllerInput& input, const Registration& request) {
  if (request.cluster_id != input.settings.cluster_id) return ErrorCode::kInconsistentClusterId;
  if (request.broker_id < 0 || request.listeners.empty() || request.incarnation_id.is_zero())
    return ErrorCode::kInvalidRegistration;
  if (request.is_migrating_zk_broker) return ErrorCode::kInvalidRegistration;
  if (!names_directories(request)) return ErrorCode::kInvalidRegistration;
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

/// Another process of this broker still lives, as far as the controller knows.
bool is_taken(const ControllerInput& input, const Broker* known, const Registration& request) {
  return known != nullptr && known->incarnation != request.incarnation_id &&
         !known->in_controlled_shutdown && input.heartbeats != nullptr &&
         input.heartbeats->has_session(known->id, known->epoch, input.now);
}

/// What the broker becomes for partitions. A new run leads nothing and is in sync with nothing
/// until it is alive; and if the run before did not end in order it has lost what it had not
/// flushed (KIP-966).
BrokerChange change_by(const Broker& known, const Registration& request) {
  bool same_run = known.incarnation == request.incarnation_id;
  BrokerChange change{known.id, known};
  change.unclean = !same_run && request.previous_broker_epoch != known.epoch;
  if (!same_run) change.now->fenced = true;
  change.now->directories = request.log_dirs;
  std::sort(change.now->directories.begin(), change.now->directories.end());
  return change;
}

}  // namespace

Decision<protocol::BrokerRegistrationResponse> register_broker(const ControllerInput& input,
                                                               const Registration& request) {
  Decision<protocol::BrokerRegistrationResponse> decision;
  decision.response.error_code = check(input, request);
  if (decision.response.error_code != ErrorCode::kNone) return decision;
  const Broker* known = input.image.broker(request.broker_id);
  if (is_taken(input, known, request)) {
    decision.response.error_code = ErrorCode::kDuplicateBrokerRegistration;
    return decision;
  }
  bool same_run = known != nullptr && known->incarnation == request.incarnation_id;
  auto record = record_of(request, same_run ? known->epoch : input.next_offset);
  if (same_run) {
    record.fenced = known->fenced;
    record.in_controlled_shutdown = known->in_controlled_shutdown;
  }
  decision.response.broker_epoch = record.broker_epoch;
  decision.records.emplace_back(std::move(record));
  if (known == nullptr) return decision;
  PartitionUpdates updates(input, change_by(*known, request));
  if (!updates.settle_changed_broker(decision.records) && !same_run) {
    // More than a batch holds: the broker asks again, and is registered with the last of it.
    decision.records.erase(decision.records.begin());
    decision.response.broker_epoch = -1;
    decision.response.error_code = ErrorCode::kRequestTimedOut;
  }
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
