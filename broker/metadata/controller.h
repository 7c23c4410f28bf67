// The controller: requests become records. Pure functions of the image, the request and what
// `ControllerInput` holds; nothing is changed here. The driver appends the records and sends the
// response once they are committed.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "broker/metadata/config_rules.h"
#include "broker/metadata/image.h"
#include "broker/metadata/record.h"
#include "protocol/messages/allocate_producer_ids.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/alter_partition.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/assign_replicas_to_dirs.h"
#include "protocol/messages/broker_heartbeat.h"
#include "protocol/messages/broker_registration.h"
#include "protocol/messages/controller_registration.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/unregister_broker.h"
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
  int16_t offsets_replication_factor = 3;  ///< offsets.topic.replication.factor
  bool delete_topics = true;               ///< delete.topic.enable
  int32_t region_ordinal = 0;              ///< longhaul.region.ordinal, 0 … 32767
};

class BrokerHeartbeatTracker;

struct ControllerInput {
  /// Everything appended so far, committed or not.
  const MetadataImage& image;
  /// Where the first record of the decision will stand.
  int64_t next_offset = 0;
  const ControllerSettings& settings;
  const ConfigRules& configs;
  base::Random& random;
  /// Who was heard from; null: nobody keeps watch, and no session holds a registration up.
  const BrokerHeartbeatTracker* heartbeats = nullptr;
  base::Clock::Monotonic now{};  ///< for `heartbeats`
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
/// its epoch. DUPLICATE_BROKER_REGISTRATION while another one has a session. REQUEST_TIMED_OUT if a
/// batch could not hold all that the end of the run before means: to be asked again.
Decision<protocol::BrokerRegistrationResponse> register_broker(
    const ControllerInput& input, const protocol::BrokerRegistrationRequest& request);

// broker_states.cc. What one batch cannot hold, `left_over` continues.
/// Unfences a broker that has caught up with its own registration, and gives it the partitions that
/// wait for it; begins its controlled shutdown, and ends it when the broker leads nothing and all
/// others know; takes up which directories are offline (KIP-858) or cordoned (KIP-1066).
Decision<protocol::BrokerHeartbeatResponse> broker_heartbeat(
    const ControllerInput& input, const protocol::BrokerHeartbeatRequest& request);
/// Fences a broker whose session is over (heartbeat_tracker.h): it leads nothing and is in no ISR
/// any more. Nothing if it is not registered at this epoch, or fenced already.
MetadataRecords fence_broker(const ControllerInput& input, int32_t id, int64_t epoch);
/// Forgets a broker. Its replicas stay assigned. BROKER_ID_NOT_REGISTERED.
Decision<protocol::UnregisterBrokerResponse> unregister_broker(
    const ControllerInput& input, const protocol::UnregisterBrokerRequest& request);
/// The next records of what brokers' states ask for all partitions; empty if all is settled. To be
/// appended again and again after a batch of kMaxRecordsPerRequest, and when a controller takes the
/// lead.
MetadataRecords left_over(const ControllerInput& input);

// alter_partition.cc
/// A leader's new ISR (KIP-497), checked by its leader, partition and broker epochs; members that
/// are fenced, shutting down or of another epoch are refused with INELIGIBLE_REPLICA (KIP-841,
/// KIP-903). Beyond Kafka's: a leader that leaves itself out steps down, for NEW_LEADER_ELECTED.
Decision<protocol::AlterPartitionResponse> alter_partition(
    const ControllerInput& input, const protocol::AlterPartitionRequest& request);

// elect_leaders.cc
/// Preferred and unclean elections that somebody asks for (KIP-460); without topics, all that need
/// one.
Decision<protocol::ElectLeadersResponse> elect_leaders(
    const ControllerInput& input, const protocol::ElectLeadersRequest& request);
/// As in Kafka: how many leaders one automatic round moves.
inline constexpr size_t kMaxElectionsPerRound = 1'000;
/// auto.leader.rebalance.enable, each leader.imbalance.check.interval.seconds: partitions back to
/// their preferred leaders. With kMaxElectionsPerRound records there may be more, at once.
MetadataRecords balance_leaders(const ControllerInput& input);
/// Each unclean.leader.election.interval.ms: leaders for partitions without one whose topics have
/// unclean.leader.election.enable set (since then, perhaps). As many as a batch holds.
MetadataRecords elect_unclean(const ControllerInput& input);

// reassignments.cc (KIP-455)
/// Begins, changes or cancels (null replicas) reassignments. A replica that an earlier one was
/// adding and this one keeps goes on being added.
Decision<protocol::AlterPartitionReassignmentsResponse> alter_partition_reassignments(
    const ControllerInput& input, const protocol::AlterPartitionReassignmentsRequest& request);
/// Those under way; of all partitions or of those asked for. Changes nothing.
Decision<protocol::ListPartitionReassignmentsResponse> list_partition_reassignments(
    const ControllerInput& input, const protocol::ListPartitionReassignmentsRequest& request);

// assign_directories.cc
/// A broker tells in which directories its replicas lie (KIP-858). What lies in one that is offline
/// is neither led by it nor in sync.
Decision<protocol::AssignReplicasToDirsResponse> assign_replicas_to_dirs(
    const ControllerInput& input, const protocol::AssignReplicasToDirsRequest& request);

// registration.cc
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
