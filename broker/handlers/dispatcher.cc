#include "broker/handlers/dispatcher.h"

#include <algorithm>
#include <string>

#include "broker/handlers/ask_controller.h"
#include "broker/handlers/ask_quorum.h"
#include "broker/handlers/handlers.h"

namespace longhaul::broker::handlers {
namespace {

using protocol::ApiKey;

// key, on broker listeners, on controller listeners, handler; in the order of keys.
constexpr ApiHandler kHandlers[] = {
    {ApiKey::kProduce, true, false, handle_produce},
    {ApiKey::kFetch, true, true, handle_fetch},
    {ApiKey::kListOffsets, true, false, handle_list_offsets},
    {ApiKey::kMetadata, true, false, handle_metadata},
    {ApiKey::kOffsetCommit, true, false, handle_offset_commit},
    {ApiKey::kOffsetFetch, true, false, handle_offset_fetch},
    {ApiKey::kFindCoordinator, true, false, handle_find_coordinator},
    {ApiKey::kJoinGroup, true, false, handle_join_group},
    {ApiKey::kHeartbeat, true, false, handle_heartbeat},
    {ApiKey::kLeaveGroup, true, false, handle_leave_group},
    {ApiKey::kSyncGroup, true, false, handle_sync_group},
    {ApiKey::kDescribeGroups, true, false, handle_describe_groups},
    {ApiKey::kListGroups, true, false, handle_list_groups},
    {ApiKey::kApiVersions, true, true, handle_api_versions},
    {ApiKey::kCreateTopics, true, true, by_controller<&metadata::create_topics>},
    {ApiKey::kDeleteTopics, true, true, by_controller<&metadata::delete_topics>},
    {ApiKey::kDeleteRecords, true, false, handle_delete_records},
    {ApiKey::kInitProducerId, true, false, handle_init_producer_id},
    {ApiKey::kOffsetForLeaderEpoch, true, false, handle_offset_for_leader_epoch},
    {ApiKey::kDescribeConfigs, true, true, handle_describe_configs},
    {ApiKey::kAlterConfigs, true, true, by_controller<&metadata::alter_configs>},
    {ApiKey::kAlterReplicaLogDirs, true, false, handle_alter_replica_log_dirs},
    {ApiKey::kDescribeLogDirs, true, false, handle_describe_log_dirs},
    {ApiKey::kCreatePartitions, true, true, by_controller<&metadata::create_partitions>},
    {ApiKey::kDeleteGroups, true, false, handle_delete_groups},
    {ApiKey::kElectLeaders, true, true, by_controller<&metadata::elect_leaders>},
    {ApiKey::kIncrementalAlterConfigs, true, true,
     by_controller<&metadata::incremental_alter_configs>},
    {ApiKey::kAlterPartitionReassignments, true, true,
     by_controller<&metadata::alter_partition_reassignments>},
    {ApiKey::kListPartitionReassignments, true, true,
     by_controller<&metadata::list_partition_reassignments>},
    {ApiKey::kOffsetDelete, true, false, handle_offset_delete},
    {ApiKey::kVote, false, true, by_quorum<protocol::VoteRequest>},
    {ApiKey::kBeginQuorumEpoch, false, true, by_quorum<protocol::BeginQuorumEpochRequest>},
    {ApiKey::kEndQuorumEpoch, false, true, by_quorum<protocol::EndQuorumEpochRequest>},
    {ApiKey::kDescribeQuorum, true, true, by_quorum<protocol::DescribeQuorumRequest>},
    {ApiKey::kAlterPartition, false, true, by_controller<&metadata::alter_partition>},
    {ApiKey::kUpdateFeatures, true, true, by_controller<&metadata::update_features>},
    {ApiKey::kEnvelope, false, true, handle_envelope},
    {ApiKey::kFetchSnapshot, false, true, by_quorum<protocol::FetchSnapshotRequest>},
    {ApiKey::kDescribeCluster, true, true, handle_describe_cluster},
    {ApiKey::kBrokerRegistration, false, true, by_controller<&metadata::register_broker>},
    {ApiKey::kBrokerHeartbeat, false, true, by_controller<&metadata::broker_heartbeat>},
    {ApiKey::kUnregisterBroker, true, true, by_controller<&metadata::unregister_broker>},
    {ApiKey::kAllocateProducerIds, false, true, by_controller<&metadata::allocate_producer_ids>},
    {ApiKey::kControllerRegistration, false, true, by_controller<&metadata::register_controller>},
    {ApiKey::kAssignReplicasToDirs, false, true, by_controller<&metadata::assign_replicas_to_dirs>},
    {ApiKey::kDescribeTopicPartitions, true, false, handle_describe_topic_partitions},
    {ApiKey::kAddRaftVoter, true, true, by_quorum<protocol::AddRaftVoterRequest>},
    {ApiKey::kRemoveRaftVoter, true, true, by_quorum<protocol::RemoveRaftVoterRequest>},
    {ApiKey::kUpdateRaftVoter, false, true, by_quorum<protocol::UpdateRaftVoterRequest>},
};

const ApiHandler* find_handler(ApiKey key) {
  auto found =
      std::lower_bound(std::begin(kHandlers), std::end(kHandlers), key,
                       [](const ApiHandler& each, ApiKey wanted) { return each.key < wanted; });
  bool here = found != std::end(kHandlers) && found->key == key;
  return here ? found : nullptr;
}

}  // namespace

std::span<const ApiHandler> api_handlers() { return kHandlers; }

void Dispatcher::handle(net::Request request, net::Reply reply) {
  const ApiHandler* handler = find_handler(request.api_key());
  bool controller = request.connection()->controller_listener;
  if (!handler || !(controller ? handler->on_controller : handler->on_broker)) {
    return reply.close(std::string(request.api().name) + " is not served on listener " +
                       request.connection()->listener);
  }
  const protocol::ApiInfo& api = request.api();
  int16_t version = request.api_version();
  bool served = version >= api.min_version && version <= api.max_stable_version();
  if (!served && handler->key != ApiKey::kApiVersions) {
    return reply.close("version " + std::to_string(version) + " of " + std::string(api.name) +
                       " is not served: it is " + std::to_string(api.min_version) + " to " +
                       std::to_string(api.max_stable_version()));
  }
  handler->handle(services_, Call(std::move(request), std::move(reply)));
}

}  // namespace longhaul::broker::handlers
