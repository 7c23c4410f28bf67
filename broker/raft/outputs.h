// What the raft state machine asks its driver to do. The driver carries outputs out in their order.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "broker/raft/election_state.h"
#include "broker/raft/types.h"

namespace longhaul::broker::raft {

enum class Role {
  kUnattached,  ///< knows no leader of its epoch
  kCandidate,   ///< asks for votes
  kFollower,    ///< fetches from a leader, as a voter or as an observer
  kLeader,
};

const char* role_name(Role role);

/// Write `quorum-state`, durably, before any later output is carried out.
struct PersistElection {
  ElectionState state;
};

/// Append this control batch at the end of the log: the start of a leader's epoch.
struct AppendControl {
  int64_t base_offset = 0;
  int32_t epoch = 0;
  int32_t leader = -1;
  std::vector<int32_t> voters;           ///< of LeaderChangeMessage, as are the granting ones
  std::vector<int32_t> granting_voters;  ///< those whose votes made the leader
  /// Where the log does not hold the voters yet: KRaftVersionRecord and VotersRecord follow.
  std::optional<VoterSet> bootstrap_voters;
  int32_t record_count() const { return bootstrap_voters ? 3 : 1; }
};

/// Make the log durable up to its end, then call `Raft::synced` with the end that was reached.
struct Flush {};

/// The role, the epoch or the leader changed.
struct RoleChange {
  Role role = Role::kUnattached;
  int32_t epoch = 0;
  std::optional<int32_t> leader;
  /// Of a leader: the offset of its epoch's first record. It may answer once that is committed.
  int64_t epoch_start_offset = -1;
};

/// Records below `offset` are committed: they will never be taken back.
struct HighWatermark {
  int64_t offset = 0;
};

using Output = std::variant<PersistElection, AppendControl, Flush, RoleChange, HighWatermark>;
using Outputs = std::vector<Output>;

}  // namespace longhaul::broker::raft
