// What a leader proposes to the controller (AlterPartition, KIP-497), held against the logs.
#pragma once

#include "client/channel.h"
#include "tests/sim/region.h"

namespace longhaul::sim {

/// For an AlterPartition that `leader` is about to send in this frame: `answer`, which adds a
/// finding if the controller takes somebody into the in-sync replicas, or leaves him there, who did
/// not have all that the leader called committed.
client::Channel::Answer judge_proposal(Region& region, const std::string& leader,
                                       base::ByteView frame, client::Channel::Answer answer);

}  // namespace longhaul::sim
