// What the raft state machine asks its driver to do. The driver carries outputs out in their order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "broker/raft/election_state.h"
#include "broker/raft/messages.h"
#include "broker/raft/types.h"

namespace longhaul::broker::raft {

enum class Role {
  kUnattached,   ///< knows no leader of its epoch
  kProspective,  ///< asks whether it would be elected (KIP-996)
  kCandidate,    ///< asks for votes
  kFollower,     ///< fetches from a leader, as a voter or as an observer
  kLeader,
  kResigned,  ///< led this epoch and does so no longer
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

/// Append a control batch with this VotersRecord alone at the end of the log.
struct AppendVoters {
  int64_t base_offset = 0;
  int32_t epoch = 0;
  VoterSet voters;
};

/// Append these batches of the leader's, which begin at the end of the log.
struct AppendFetched {
  std::vector<Batch> batches;
};

/// Cut off everything at and above `end_offset`, always a batch boundary. A flush that began before
/// must not be reported as `synced` any more: begin another one.
struct Truncate {
  int64_t end_offset = 0;
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

/// As the receiver of a `Send`: any of controller.quorum.bootstrap.servers.
inline constexpr int32_t kBootstrapServer = -1;

/// Send a request to the node `to`; call `Raft::answered` with `id` when the answer is there, or
/// `Raft::failed` when none will come.
struct Send {
  int32_t to = kBootstrapServer;
  uint64_t id = 0;
  Request request;
};

/// Answer the request that `Raft::receive` was called with under `id`. The driver adds what lies on
/// its disk: to a FetchSnapshotResponse without error `size` and `bytes` (or SNAPSHOT_NOT_FOUND, or
/// POSITION_OUT_OF_RANGE).
struct Reply {
  uint64_t id = 0;
  Response response;
  /// Of a fetch: the driver adds batches from here on, as many as it sees fit.
  std::optional<int64_t> records_from;
};

/// Write these bytes into the snapshot that is being fetched; at position 0 it begins anew.
struct WriteSnapshot {
  OffsetAndEpoch snapshot;
  int64_t position = 0;
  std::shared_ptr<const base::Bytes> bytes;
};

/// The snapshot is complete. Check it, make it durable under its name, let the log be empty and
/// begin where it ends; then, before any other input, call `Raft::snapshot_installed`, or
/// `Raft::snapshot_rejected` if it was not whole.
struct InstallSnapshot {
  OffsetAndEpoch snapshot;
};

/// What must not be, as far as this replica can tell: it took nothing over, and tries again. For
/// people to know.
struct Alarm {
  std::string what;
};

using Output =
    std::variant<PersistElection, AppendControl, AppendVoters, AppendFetched, Truncate, Flush,
                 RoleChange, HighWatermark, Send, Reply, WriteSnapshot, InstallSnapshot, Alarm>;
using Outputs = std::vector<Output>;

}  // namespace longhaul::broker::raft
