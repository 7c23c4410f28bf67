// Which nodes vote in a region's metadata quorum, and the next change on the way there (KIP-853).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"

namespace longhaul::op::plan {

/// A node that can vote.
struct VoterNode {
  int64_t id = 0;
  std::string zone;
};

/// A replica of the metadata log, as the quorum's leader sees it. A node that came back with
/// another disk is another replica.
struct QuorumReplica {
  int64_t id = 0;
  base::Uuid directory;
  bool current = false;  // has lately had everything that the leader had
};

struct Quorum {
  int64_t leader = -1;
  std::vector<QuorumReplica> voters;
  std::vector<QuorumReplica> observers;

  /// Null if the node is no voter.
  const QuorumReplica* voter(int64_t id) const;
  /// Null if no replica of the node observes and is current.
  const QuorumReplica* current_observer(int64_t id) const;
};

/// How many of so many nodes vote: 1 of up to 2, 3 of up to 4, 5 of more.
size_t voters_wanted(size_t nodes);

/// The nodes that shall vote, by ID: as few as possible in one zone, then those that vote already
/// (the leader first), then the lower IDs. Zones count in the order of `nodes`.
std::vector<int64_t> choose_voters(const std::vector<VoterNode>& nodes, const Quorum& quorum);

/// One change of the voters, or why there is none.
struct VoterPlan {
  enum class Action {
    kNone,    ///< as wanted
    kAdd,     ///< `replica` shall vote
    kRemove,  ///< `replica` shall no longer vote
    kWait,    ///< something is missing: see `why`
  };
  Action action = Action::kNone;
  QuorumReplica replica;
  std::string why;              // for people; empty with kNone
  std::vector<int64_t> wanted;  // who votes in the end
};

/// The next change. A voter whose node runs with another directory lost its disk and goes first;
/// then voters are added, two at a time where one alone would make their number even, then those
/// too many removed, the leader last. A change that would leave fewer failures to survive waits
/// until every voter is current.
VoterPlan plan_voters(const std::vector<VoterNode>& nodes, const Quorum& quorum);

/// "add 1002 (…): …; in the end 1001, 1002, 1003".
std::string to_string(const VoterPlan& plan);

}  // namespace longhaul::op::plan
