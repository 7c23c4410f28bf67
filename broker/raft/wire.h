// Kafka's RPCs of the quorum to and from what the state machine takes and gives (messages.h). Pure
// functions; the handlers and the network are the driver's.
//
// A request that is read says what to answer if it cannot be taken: INCONSISTENT_CLUSTER_ID, or
// INVALID_REQUEST unless it is about partition 0 of the metadata log alone; that goes into the
// response's own error code. A response that is read gives kCorrupt if it is about anything else;
// an error code of the response as a whole becomes that of its `Standing`. Where responses carry
// `node_endpoints`, they tell where the leader listens: the driver takes them from there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/raft/messages.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_raft_voter.h"
#include "protocol/messages/begin_quorum_epoch.h"
#include "protocol/messages/end_quorum_epoch.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/fetch_snapshot.h"
#include "protocol/messages/remove_raft_voter.h"
#include "protocol/messages/update_raft_voter.h"
#include "protocol/messages/vote.h"

namespace longhaul::broker::raft {

/// What our requests carry beside what raft decides by.
struct Sender {
  std::string cluster_id;
  std::vector<Endpoint> endpoints;    ///< of this node, on its controller listeners
  int32_t max_fetch_bytes = 8 << 20;  ///< of a Fetch or FetchSnapshot
};

// Requests to other nodes, in the newest version.
protocol::VoteRequest to_wire(const VoteRequest& request, const Sender& sender);
protocol::BeginQuorumEpochRequest to_wire(const BeginQuorumEpochRequest& request,
                                          const Sender& sender);
protocol::EndQuorumEpochRequest to_wire(const EndQuorumEpochRequest& request, const Sender& sender);
protocol::FetchRequest to_wire(const FetchRequest& request, const Sender& sender);
protocol::FetchSnapshotRequest to_wire(const FetchSnapshotRequest& request, const Sender& sender);
protocol::UpdateRaftVoterRequest to_wire(const UpdateVoterRequest& request, const Sender& sender);

// Requests of other nodes.
protocol::KafkaResult<VoteRequest> from_wire(const protocol::VoteRequest& request,
                                             std::string_view cluster_id);
protocol::KafkaResult<BeginQuorumEpochRequest> from_wire(
    const protocol::BeginQuorumEpochRequest& request, std::string_view cluster_id);
protocol::KafkaResult<EndQuorumEpochRequest> from_wire(
    const protocol::EndQuorumEpochRequest& request, std::string_view cluster_id);
protocol::KafkaResult<FetchRequest> from_wire(const protocol::FetchRequest& request,
                                              std::string_view cluster_id);
protocol::KafkaResult<FetchSnapshotRequest> from_wire(const protocol::FetchSnapshotRequest& request,
                                                      std::string_view cluster_id);
/// The request does not say which versions of kraft.version the voter knows: 0 to 1 is assumed.
protocol::KafkaResult<AddVoterRequest> from_wire(const protocol::AddRaftVoterRequest& request,
                                                 std::string_view cluster_id);
protocol::KafkaResult<RemoveVoterRequest> from_wire(const protocol::RemoveRaftVoterRequest& request,
                                                    std::string_view cluster_id);
protocol::KafkaResult<UpdateVoterRequest> from_wire(const protocol::UpdateRaftVoterRequest& request,
                                                    std::string_view cluster_id);

// Responses to other nodes; `leader` is where the leader named in them listens, if known.
using LeaderEndpoint = std::optional<Endpoint>;
protocol::VoteResponse to_wire(const VoteResponse& response, const LeaderEndpoint& leader);
protocol::BeginQuorumEpochResponse begin_response(const QuorumEpochResponse& response,
                                                  const LeaderEndpoint& leader);
protocol::EndQuorumEpochResponse end_response(const QuorumEpochResponse& response,
                                              const LeaderEndpoint& leader);
/// Without records: the caller sets those from `Reply::records_from` on.
protocol::FetchResponse to_wire(const FetchResponse& response, const LeaderEndpoint& leader);
/// The bytes stay those of `response`.
protocol::FetchSnapshotResponse to_wire(const FetchSnapshotResponse& response,
                                        const LeaderEndpoint& leader);
protocol::AddRaftVoterResponse add_voter_response(const VoterChangeResponse& response);
protocol::RemoveRaftVoterResponse remove_voter_response(const VoterChangeResponse& response);
protocol::UpdateRaftVoterResponse update_voter_response(const VoterChangeResponse& response,
                                                        const LeaderEndpoint& leader);

// Responses of other nodes.
base::Result<VoteResponse> from_wire(const protocol::VoteResponse& response);
base::Result<QuorumEpochResponse> from_wire(const protocol::BeginQuorumEpochResponse& response);
base::Result<QuorumEpochResponse> from_wire(const protocol::EndQuorumEpochResponse& response);
/// Without batches: the caller checks and decodes the records, and adds them.
base::Result<FetchResponse> from_wire(const protocol::FetchResponse& response);
base::Result<FetchSnapshotResponse> from_wire(const protocol::FetchSnapshotResponse& response);
VoterChangeResponse from_wire(const protocol::UpdateRaftVoterResponse& response);

}  // namespace longhaul::broker::raft
