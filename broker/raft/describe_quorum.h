// What DescribeQuorum tells of the metadata quorum (KIP-595, 836, 853).
#pragma once

#include <cstdint>

#include "broker/raft/raft.h"
#include "protocol/messages/describe_quorum.h"

namespace longhaul::broker::raft {

/// The answer in its newest version. Only the leader knows it: from any other replica it is
/// NOT_LEADER_OR_FOLLOWER as a whole. Timestamps are of the wall clock, `wall_ms` at `now`.
protocol::DescribeQuorumResponse describe_quorum(const protocol::DescribeQuorumRequest& request,
                                                 const Raft& raft, Raft::Now now, int64_t wall_ms);

}  // namespace longhaul::broker::raft
