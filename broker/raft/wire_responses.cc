#include <fmt/core.h>

#include <utility>

#include "broker/raft/wire.h"
#include "broker/raft/wire_partition.h"

namespace longhaul::broker::raft {
namespace {

template <class Wire>
void add_leader_endpoint(const Standing& standing, const LeaderEndpoint& leader, Wire& wire) {
  if (!standing.leader || !leader) return;
  auto& endpoint = wire.node_endpoints.emplace_back();
  endpoint.node_id = *standing.leader;
  endpoint.host = leader->host;
  endpoint.port = leader->port;
}

/// The standing in a partition that has error, leader and epoch side by side.
template <class Wire>
auto& add_partition(const Standing& standing, const LeaderEndpoint& leader, Wire& wire) {
  add_leader_endpoint(standing, leader, wire);
  auto& partition = add_metadata_partition(wire.topics);
  partition.error_code = standing.error;
  partition.leader_id = standing.leader.value_or(-1);
  partition.leader_epoch = standing.epoch;
  return partition;
}

std::optional<int32_t> known_leader(int32_t id) {
  return id < 0 ? std::nullopt : std::optional<int32_t>(id);
}

template <class Partition>
Standing standing_of(const Partition& partition) {
  if constexpr (requires { partition.current_leader; }) {
    return {partition.error_code, partition.current_leader.leader_epoch,
            known_leader(partition.current_leader.leader_id)};
  } else {
    return {partition.error_code, partition.leader_epoch, known_leader(partition.leader_id)};
  }
}

/// The response of type `Known`, with its standing, and the partition for the rest of it; the
/// partition is null where the response was refused as a whole.
template <class Known, class Wire, class Topics>
base::Result<std::pair<Known, decltype(metadata_partition(std::declval<const Topics&>()))>> begun(
    const Wire& wire, const Topics& topics) {
  Known known;
  known.standing.error = wire.error_code;
  const auto* partition = metadata_partition(topics);
  if (wire.error_code != ErrorCode::kNone)
    return std::pair(std::move(known), decltype(partition){});
  if (partition == nullptr)
    return base::fail(base::Errc::kCorrupt,
                      fmt::format("{} is not about the metadata log", Wire::kName));
  known.standing = standing_of(*partition);
  return std::pair(std::move(known), partition);
}

template <class Wire>
Wire change_response(const VoterChangeResponse& response) {
  Wire wire;
  wire.error_code = response.standing.error;
  wire.error_message.reset();
  if (!response.message.empty()) wire.error_message = response.message;
  return wire;
}

}  // namespace

protocol::VoteResponse to_wire(const VoteResponse& response, const LeaderEndpoint& leader) {
  protocol::VoteResponse wire;
  add_partition(response.standing, leader, wire).vote_granted = response.granted;
  return wire;
}

base::Result<VoteResponse> from_wire(const protocol::VoteResponse& wire) {
  LH_ASSIGN(auto begin, (begun<VoteResponse>(wire, wire.topics)));
  auto& [response, partition] = begin;
  if (partition != nullptr)
    response.granted = partition->vote_granted && partition->error_code == ErrorCode::kNone;
  return response;
}

protocol::BeginQuorumEpochResponse begin_response(const QuorumEpochResponse& response,
                                                  const LeaderEndpoint& leader) {
  protocol::BeginQuorumEpochResponse wire;
  add_partition(response.standing, leader, wire);
  return wire;
}

base::Result<QuorumEpochResponse> from_wire(const protocol::BeginQuorumEpochResponse& wire) {
  LH_ASSIGN(auto begin, (begun<QuorumEpochResponse>(wire, wire.topics)));
  return begin.first;
}

protocol::EndQuorumEpochResponse end_response(const QuorumEpochResponse& response,
                                              const LeaderEndpoint& leader) {
  protocol::EndQuorumEpochResponse wire;
  add_partition(response.standing, leader, wire);
  return wire;
}

base::Result<QuorumEpochResponse> from_wire(const protocol::EndQuorumEpochResponse& wire) {
  LH_ASSIGN(auto begin, (begun<QuorumEpochResponse>(wire, wire.topics)));
  return begin.first;
}

protocol::FetchResponse to_wire(const FetchResponse& response, const LeaderEndpoint& leader) {
  protocol::FetchResponse wire;
  add_leader_endpoint(response.standing, leader, wire);
  auto& partition = add_metadata_partition(wire.responses);
  partition.error_code = response.standing.error;
  partition.high_watermark = response.high_watermark;
  partition.current_leader = {response.standing.leader.value_or(-1), response.standing.epoch};
  if (response.diverging)
    partition.diverging_epoch = {response.diverging->epoch, response.diverging->offset};
  if (response.snapshot)
    partition.snapshot_id = {response.snapshot->offset, response.snapshot->epoch};
  partition.records = protocol::Records{};
  return wire;
}

base::Result<FetchResponse> from_wire(const protocol::FetchResponse& wire) {
  LH_ASSIGN(auto begin, (begun<FetchResponse>(wire, wire.responses)));
  auto& [response, partition] = begin;
  if (partition == nullptr) return response;
  response.high_watermark = partition->high_watermark;
  if (partition->diverging_epoch.end_offset >= 0)
    response.diverging =
        OffsetAndEpoch{partition->diverging_epoch.end_offset, partition->diverging_epoch.epoch};
  if (partition->snapshot_id.end_offset >= 0)
    response.snapshot =
        OffsetAndEpoch{partition->snapshot_id.end_offset, partition->snapshot_id.epoch};
  return response;
}

protocol::FetchSnapshotResponse to_wire(const FetchSnapshotResponse& response,
                                        const LeaderEndpoint& leader) {
  protocol::FetchSnapshotResponse wire;
  add_leader_endpoint(response.standing, leader, wire);
  auto& partition = add_metadata_partition(wire.topics);
  partition.error_code = response.standing.error;
  partition.snapshot_id = {response.snapshot.offset, response.snapshot.epoch};
  partition.current_leader = {response.standing.leader.value_or(-1), response.standing.epoch};
  partition.size = response.size;
  partition.position = response.position;
  if (response.bytes) partition.unaligned_records.bytes = *response.bytes;
  return wire;
}

base::Result<FetchSnapshotResponse> from_wire(const protocol::FetchSnapshotResponse& wire) {
  LH_ASSIGN(auto begin, (begun<FetchSnapshotResponse>(wire, wire.topics)));
  auto& [response, partition] = begin;
  if (partition == nullptr) return response;
  response.snapshot = {partition->snapshot_id.end_offset, partition->snapshot_id.epoch};
  response.size = partition->size;
  response.position = partition->position;
  base::ByteView bytes = partition->unaligned_records.bytes;
  response.bytes = std::make_shared<base::Bytes>(bytes.begin(), bytes.end());
  return response;
}

protocol::AddRaftVoterResponse add_voter_response(const VoterChangeResponse& response) {
  return change_response<protocol::AddRaftVoterResponse>(response);
}

protocol::RemoveRaftVoterResponse remove_voter_response(const VoterChangeResponse& response) {
  return change_response<protocol::RemoveRaftVoterResponse>(response);
}

protocol::UpdateRaftVoterResponse update_voter_response(const VoterChangeResponse& response,
                                                        const LeaderEndpoint& leader) {
  protocol::UpdateRaftVoterResponse wire;
  wire.error_code = response.standing.error;
  wire.current_leader.leader_id = response.standing.leader.value_or(-1);
  wire.current_leader.leader_epoch = response.standing.epoch;
  if (response.standing.leader && leader) {
    wire.current_leader.host = leader->host;
    wire.current_leader.port = leader->port;
  }
  return wire;
}

VoterChangeResponse from_wire(const protocol::UpdateRaftVoterResponse& wire) {
  return {{wire.error_code, wire.current_leader.leader_epoch,
           known_leader(wire.current_leader.leader_id)},
          ""};
}

}  // namespace longhaul::broker::raft
