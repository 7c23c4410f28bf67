#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "broker/raft/wire.h"
#include "broker/raft/wire_partition.h"

namespace longhaul::broker::raft {
namespace {

using protocol::kafka_fail;

protocol::KafkaResult<> check_cluster(const std::optional<std::string>& theirs,
                                      std::string_view ours) {
  if (!theirs || *theirs == ours) return {};
  return kafka_fail(ErrorCode::kInconsistentClusterId);
}

/// The cluster is ours and the partition the metadata log's.
template <class Message>
auto checked_partition(const Message& request, std::string_view cluster_id)
    -> protocol::KafkaResult<decltype(metadata_partition(request.topics))> {
  if (auto done = check_cluster(request.cluster_id, cluster_id); !done)
    return tl::unexpected(std::move(done).error());
  auto* partition = metadata_partition(request.topics);
  if (partition == nullptr)
    return kafka_fail(ErrorCode::kInvalidRequest, "not about the metadata log");
  return partition;
}

bool is_epoch(int32_t number) { return number >= 0 && number <= kLastEpoch; }

int32_t milliseconds_of(std::chrono::milliseconds duration) {
  return static_cast<int32_t>(
      std::min<int64_t>(duration.count(), std::numeric_limits<int32_t>::max()));
}

}  // namespace

protocol::VoteRequest to_wire(const VoteRequest& request, const Sender& sender) {
  protocol::VoteRequest wire;
  wire.cluster_id = sender.cluster_id;
  wire.voter_id = request.voter.id;
  auto& partition = add_metadata_partition(wire.topics);
  partition.replica_epoch = request.epoch;
  partition.replica_id = request.candidate.id;
  partition.replica_directory_id = request.candidate.directory;
  partition.voter_directory_id = request.voter.directory;
  partition.last_offset_epoch = request.log_end.epoch;
  partition.last_offset = request.log_end.offset;
  partition.pre_vote = request.pre_vote;
  return wire;
}

protocol::KafkaResult<VoteRequest> from_wire(const protocol::VoteRequest& wire,
                                             std::string_view cluster_id) {
  LH_ASSIGN(const auto* partition, checked_partition(wire, cluster_id));
  VoteRequest request;
  request.epoch = partition->replica_epoch;
  request.candidate = {partition->replica_id, partition->replica_directory_id};
  request.voter = {wire.voter_id, partition->voter_directory_id};
  request.log_end = {partition->last_offset, partition->last_offset_epoch};
  request.pre_vote = partition->pre_vote;
  bool is_possible = is_epoch(request.epoch) && request.candidate.id >= 0 &&
                     request.log_end.offset >= 0 && request.log_end.epoch >= 0 &&
                     request.log_end.epoch <= request.epoch;
  if (!is_possible) return kafka_fail(ErrorCode::kInvalidRequest, "no candidate can say that");
  return request;
}

protocol::BeginQuorumEpochRequest to_wire(const BeginQuorumEpochRequest& request,
                                          const Sender& sender) {
  protocol::BeginQuorumEpochRequest wire;
  wire.cluster_id = sender.cluster_id;
  wire.voter_id = request.voter.id;
  auto& partition = add_metadata_partition(wire.topics);
  partition.voter_directory_id = request.voter.directory;
  partition.leader_id = request.leader;
  partition.leader_epoch = request.epoch;
  add_listeners(sender.endpoints, wire.leader_endpoints);
  return wire;
}

protocol::KafkaResult<BeginQuorumEpochRequest> from_wire(
    const protocol::BeginQuorumEpochRequest& wire, std::string_view cluster_id) {
  LH_ASSIGN(const auto* partition, checked_partition(wire, cluster_id));
  if (partition->leader_id < 0 || !is_epoch(partition->leader_epoch))
    return kafka_fail(ErrorCode::kInvalidRequest, "no leader");
  return BeginQuorumEpochRequest{partition->leader_epoch,
                                 partition->leader_id,
                                 {wire.voter_id, partition->voter_directory_id}};
}

protocol::EndQuorumEpochRequest to_wire(const EndQuorumEpochRequest& request,
                                        const Sender& sender) {
  protocol::EndQuorumEpochRequest wire;
  wire.cluster_id = sender.cluster_id;
  auto& partition = add_metadata_partition(wire.topics);
  partition.leader_id = request.leader;
  partition.leader_epoch = request.epoch;
  for (const ReplicaKey& key : request.preferred)
    partition.preferred_candidates.push_back({key.id, key.directory});
  add_listeners(sender.endpoints, wire.leader_endpoints);
  return wire;
}

protocol::KafkaResult<EndQuorumEpochRequest> from_wire(const protocol::EndQuorumEpochRequest& wire,
                                                       std::string_view cluster_id) {
  LH_ASSIGN(const auto* partition, checked_partition(wire, cluster_id));
  if (partition->leader_id < 0 || !is_epoch(partition->leader_epoch))
    return kafka_fail(ErrorCode::kInvalidRequest, "no leader");
  EndQuorumEpochRequest request{partition->leader_epoch, partition->leader_id, {}};
  for (const auto& candidate : partition->preferred_candidates)
    request.preferred.push_back({candidate.candidate_id, candidate.candidate_directory_id});
  for (int32_t id : partition->preferred_successors)  // version 0
    request.preferred.push_back({id, {}});
  return request;
}

protocol::FetchRequest to_wire(const FetchRequest& request, const Sender& sender) {
  protocol::FetchRequest wire;
  wire.cluster_id = sender.cluster_id;
  wire.replica_state.replica_id = request.replica.id;
  wire.max_wait_ms = milliseconds_of(request.max_wait);
  wire.max_bytes = sender.max_fetch_bytes;
  auto& partition = add_metadata_partition(wire.topics);
  partition.current_leader_epoch = request.epoch;
  partition.fetch_offset = request.offset;
  partition.last_fetched_epoch = request.last_epoch;
  partition.replica_directory_id = request.replica.directory;
  partition.high_watermark = request.high_watermark;
  return wire;
}

protocol::KafkaResult<FetchRequest> from_wire(const protocol::FetchRequest& wire,
                                              std::string_view cluster_id) {
  LH_ASSIGN(const auto* partition, checked_partition(wire, cluster_id));
  FetchRequest request;
  request.epoch = partition->current_leader_epoch;
  int32_t id = std::max(wire.replica_id, wire.replica_state.replica_id);  // by version
  request.replica = {id, partition->replica_directory_id};
  request.offset = partition->fetch_offset;
  request.last_epoch = partition->last_fetched_epoch;
  request.high_watermark = partition->high_watermark;
  request.max_wait = std::chrono::milliseconds(std::max(wire.max_wait_ms, 0));
  bool is_possible = request.offset >= 0 && request.epoch >= 0 && request.last_epoch >= 0 &&
                     request.last_epoch <= request.epoch;
  if (!is_possible) return kafka_fail(ErrorCode::kInvalidRequest, "no replica can say that");
  return request;
}

protocol::FetchSnapshotRequest to_wire(const FetchSnapshotRequest& request, const Sender& sender) {
  protocol::FetchSnapshotRequest wire;
  wire.cluster_id = sender.cluster_id;
  wire.replica_id = request.replica.id;
  wire.max_bytes = sender.max_fetch_bytes;
  auto& partition = add_metadata_partition(wire.topics);
  partition.current_leader_epoch = request.epoch;
  partition.snapshot_id = {request.snapshot.offset, request.snapshot.epoch};
  partition.position = request.position;
  partition.replica_directory_id = request.replica.directory;
  return wire;
}

protocol::KafkaResult<FetchSnapshotRequest> from_wire(const protocol::FetchSnapshotRequest& wire,
                                                      std::string_view cluster_id) {
  LH_ASSIGN(const auto* partition, checked_partition(wire, cluster_id));
  FetchSnapshotRequest request;
  request.epoch = partition->current_leader_epoch;
  request.replica = {wire.replica_id, partition->replica_directory_id};
  request.snapshot = {partition->snapshot_id.end_offset, partition->snapshot_id.epoch};
  request.position = partition->position;
  if (request.position < 0) return kafka_fail(ErrorCode::kPositionOutOfRange);
  return request;
}

protocol::KafkaResult<AddVoterRequest> from_wire(const protocol::AddRaftVoterRequest& wire,
                                                 std::string_view cluster_id) {
  LH_TRY(check_cluster(wire.cluster_id, cluster_id));
  AddVoterRequest request;
  request.voter.key = {wire.voter_id, wire.voter_directory_id};
  request.voter.endpoints = endpoints_of(wire.listeners);
  request.ack_when_committed = wire.ack_when_committed;
  request.timeout = std::chrono::milliseconds(std::max(wire.timeout_ms, 0));
  return request;
}

protocol::KafkaResult<RemoveVoterRequest> from_wire(const protocol::RemoveRaftVoterRequest& wire,
                                                    std::string_view cluster_id) {
  LH_TRY(check_cluster(wire.cluster_id, cluster_id));
  return RemoveVoterRequest{{wire.voter_id, wire.voter_directory_id}};
}

protocol::UpdateRaftVoterRequest to_wire(const UpdateVoterRequest& request, const Sender& sender) {
  protocol::UpdateRaftVoterRequest wire;
  wire.cluster_id = sender.cluster_id;
  wire.current_leader_epoch = request.epoch;
  wire.voter_id = request.voter.key.id;
  wire.voter_directory_id = request.voter.key.directory;
  add_listeners(request.voter.endpoints, wire.listeners);
  wire.kraft_version_feature = {request.voter.min_kraft_version, request.voter.max_kraft_version};
  return wire;
}

protocol::KafkaResult<UpdateVoterRequest> from_wire(const protocol::UpdateRaftVoterRequest& wire,
                                                    std::string_view cluster_id) {
  LH_TRY(check_cluster(wire.cluster_id, cluster_id));
  UpdateVoterRequest request;
  request.epoch = wire.current_leader_epoch;
  request.voter.key = {wire.voter_id, wire.voter_directory_id};
  request.voter.endpoints = endpoints_of(wire.listeners);
  request.voter.min_kraft_version = wire.kraft_version_feature.min_supported_version;
  request.voter.max_kraft_version = wire.kraft_version_feature.max_supported_version;
  return request;
}

}  // namespace longhaul::broker::raft
