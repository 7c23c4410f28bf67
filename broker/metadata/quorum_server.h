// What a node answers as a replica of the metadata quorum (KIP-595, 630, 836, 853).
#pragma once

#include <cstdint>
#include <string>

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

/// Any thread. `done` runs on the metadata loop, at most once: not at all if the node stops; the
/// response and what it views live as long as that call.
class QuorumServer {
 public:
  template <class Response>
  using Done = base::Callback<void(const Response&)>;

  virtual ~QuorumServer() = default;
  virtual void vote(protocol::VoteRequest request, QuorumCall call,
                    Done<protocol::VoteResponse> done) = 0;
  virtual void begin_quorum_epoch(protocol::BeginQuorumEpochRequest request, QuorumCall call,
                                  Done<protocol::BeginQuorumEpochResponse> done) = 0;
  virtual void end_quorum_epoch(protocol::EndQuorumEpochRequest request, QuorumCall call,
                                Done<protocol::EndQuorumEpochResponse> done) = 0;
  virtual void fetch(protocol::FetchRequest request, QuorumCall call,
                     Done<protocol::FetchResponse> done) = 0;
  virtual void fetch_snapshot(protocol::FetchSnapshotRequest request, QuorumCall call,
                              Done<protocol::FetchSnapshotResponse> done) = 0;
  virtual void update_voter(protocol::UpdateRaftVoterRequest request, QuorumCall call,
                            Done<protocol::UpdateRaftVoterResponse> done) = 0;
  virtual void add_voter(protocol::AddRaftVoterRequest request, QuorumCall call,
                         Done<protocol::AddRaftVoterResponse> done) = 0;
  virtual void remove_voter(protocol::RemoveRaftVoterRequest request, QuorumCall call,
                            Done<protocol::RemoveRaftVoterResponse> done) = 0;
  virtual void describe_quorum(protocol::DescribeQuorumRequest request, QuorumCall call,
                               Done<protocol::DescribeQuorumResponse> done) = 0;
  /// The leader as far as this node knows; -1: none.
  virtual int32_t leader_id() const = 0;
};

}  // namespace longhaul::broker::metadata
