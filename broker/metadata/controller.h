// The controller: requests become records. Pure functions of the image, the request and what
// `ControllerInput` holds; nothing is changed here. The driver appends the records and sends the
// response once they are committed.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"
#include "broker/metadata/config_rules.h"
#include "broker/metadata/image.h"
#include "broker/metadata/record.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"
#include "protocol/messages/controller_registration.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/update_features.h"

namespace longhaul::broker::metadata {

/// The most records that one request may lead to, as in Kafka: they are written as one batch.
inline constexpr size_t kMaxRecordsPerRequest = 10'000;
/// As in Kafka.
inline constexpr int32_t kProducerIdBlock = 1'000;
/// Each region has 2^48 producer IDs of its own, so that those of two regions never meet.
inline constexpr int kProducerIdRegionShift = 48;

struct ControllerSettings {
  int32_t node_id = -1;
  std::string cluster_id;
  int32_t default_partitions = 1;          ///< num.partitions
  int16_t default_replication_factor = 1;  ///< default.replication.factor
  bool delete_topics = true;               ///< delete.topic.enable
  int32_t region_ordinal = 0;              ///< longhaul.region.ordinal, 0 … 32767
};

struct ControllerInput {
  /// Everything appended so far, committed or not.
  const MetadataImage& image;
  /// Where the first record of the decision will stand.
  int64_t next_offset = 0;
  const ControllerSettings& settings;
  const ConfigRules& configs;
  base::Random& random;
};

/// The records are written in one batch: all of them count or none. No records: the response can
/// go out as soon as what was appended before is committed.
template <class Response>
struct Decision {
  MetadataRecords records;
  Response response;
};

// create_topics.cc
Decision<protocol::CreateTopicsResponse> create_topics(
    const ControllerInput& input, const protocol::CreateTopicsRequest& request);
// delete_topics.cc
Decision<protocol::DeleteTopicsResponse> delete_topics(
    const ControllerInput& input, const protocol::DeleteTopicsRequest& request);
// create_partitions.cc
Decision<protocol::CreatePartitionsResponse> create_partitions(
    const ControllerInput& input, const protocol::CreatePartitionsRequest& request);

// alter_configs.cc
Decision<protocol::IncrementalAlterConfigsResponse> incremental_alter_configs(
    const ControllerInput& input, const protocol::IncrementalAlterConfigsRequest& request);
/// The older form: what is not named is reset.
Decision<protocol::AlterConfigsResponse> alter_configs(
    const ControllerInput& input, const protocol::AlterConfigsRequest& request);

// registration.cc
/// Registers a broker, fenced; its epoch is the offset of the record. The same incarnation keeps
/// its epoch.
Decision<protocol::BrokerRegistrationResponse> register_broker(
    const ControllerInput& input, const protocol::BrokerRegistrationRequest& request);
/// Unfences a broker that has caught up with its own registration, and gives it the partitions that
/// wait for it.
Decision<protocol::BrokerHeartbeatResponse> broker_heartbeat(
    const ControllerInput& input, const protocol::BrokerHeartbeatRequest& request);

/// Makes a controller's endpoints and features known (KIP-919).
Decision<protocol::ControllerRegistrationResponse> register_controller(
    const ControllerInput& input, const protocol::ControllerRegistrationRequest& request);

// producer_ids.cc
Decision<protocol::AllocateProducerIdsResponse> allocate_producer_ids(
    const ControllerInput& input, const protocol::AllocateProducerIdsRequest& request);

// update_features.cc
Decision<protocol::UpdateFeaturesResponse> update_features(
    const ControllerInput& input, const protocol::UpdateFeaturesRequest& request);

}  // namespace longhaul::broker::metadata
