// What a node answers as a replica of the metadata quorum (KIP-595, 630, 836, 853).
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/task.h"
#include "protocol/messages/add_raft_voter.h"
#include "protocol/messages/begin_quorum_epoch.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/end_quorum_epoch.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/fetch_snapshot.h"
#include "protocol/messages/remove_raft_voter.h"
#include "protocol/messages/update_raft_voter.h"
#include "protocol/messages/vote.h"

namespace longhaul::broker::metadata {

/// How a request of the quorum came.
struct QuorumCall {
  int16_t version = 0;
  /// Its listener: where leaders that answers name are shown to listen.
  std::string listener;
  /// On a broker's listener the leader is asked in the client's place, until then.
  bool for_client = false;
  base::Clock::Monotonic deadline{};
};

/// Each response stands at the place of its request.
using QuorumRequest = std::variant<protocol::VoteRequest, protocol::BeginQuorumEpochRequest,
                                   protocol::EndQuorumEpochRequest, protocol::FetchRequest,
                                   protocol::FetchSnapshotRequest, protocol::UpdateRaftVoterRequest,
                                   protocol::AddRaftVoterRequest, protocol::RemoveRaftVoterRequest,
                                   protocol::DescribeQuorumRequest>;
using QuorumResponse =
    std::variant<protocol::VoteResponse, protocol::BeginQuorumEpochResponse,
                 protocol::EndQuorumEpochResponse, protocol::FetchResponse,
                 protocol::FetchSnapshotResponse, protocol::UpdateRaftVoterResponse,
                 protocol::AddRaftVoterResponse, protocol::RemoveRaftVoterResponse,
                 protocol::DescribeQuorumResponse>;

/// Any thread.
class QuorumServer {
 public:
  using Done = base::Callback<void(const QuorumResponse&)>;

  virtual ~QuorumServer() = default;
  /// `done` runs on the metadata loop, at most once: not at all if the node stops; what the
  /// response views lives as long as that call.
  virtual void serve(QuorumRequest request, QuorumCall call, Done done) = 0;
  /// The leader as far as this node knows; -1: none.
  virtual int32_t leader_id() const = 0;
};

}  // namespace longhaul::broker::metadata
