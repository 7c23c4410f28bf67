// The metadata quorum's consensus (KIP-595) as a state machine without sockets, disk or clock: the
// driver tells it what happened, it answers with what to do (outputs.h). One thread at a time.
//
// The log itself belongs to the driver. The state machine knows where it ends, how far it is on
// stable storage, which epoch begins where, and which records in it name voters.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.h"
#include "broker/raft/outputs.h"
#include "broker/raft/types.h"

namespace longhaul::broker::raft {

/// What the log held when the node started, all of it on stable storage.
struct LogState {
  int64_t start_offset = 0;
  int64_t end_offset = 0;
  EpochTable epochs;
  VoterHistory voters;
};

class Raft {
 public:
  using Now = base::Clock::Monotonic;

  /// `self` is this replica; `election` what its quorum-state said (empty if there was none).
  Raft(ReplicaKey self, ElectionState election, LogState log);

  /// Call once, first. The only voter of a quorum takes the lead at once, under a new epoch.
  Outputs start(Now now);

  /// The leader has appended a batch of `records` records that begins at the `end_offset()` before
  /// this call and carries `epoch()`. Not for other roles.
  Outputs appended(int32_t records);

  /// The log is on stable storage below `end_offset`.
  Outputs synced(int64_t end_offset);

  /// The log was cleaned: records below `start_offset` are only in a snapshot.
  void log_start_moved(int64_t start_offset);

  Role role() const { return role_; }
  bool is_leader() const { return role_ == Role::kLeader; }
  int32_t epoch() const { return election_.epoch; }
  std::optional<int32_t> leader() const { return election_.leader; }
  const ReplicaKey& self() const { return self_; }
  const VoterHistory& voters() const { return log_.voters; }
  const EpochTable& epochs() const { return log_.epochs; }
  int64_t start_offset() const { return log_.start_offset; }
  int64_t end_offset() const { return log_.end_offset; }
  /// -1 until it is known in this run.
  int64_t high_watermark() const { return high_watermark_; }

 private:
  struct Leadership {
    int64_t epoch_start = 0;
    std::map<int32_t, int64_t> durable;  ///< how far each voter is known to have synced
  };

  void become_candidate(Now now, Outputs& out);
  void become_leader(Outputs& out);
  void persist(Outputs& out);
  void announce(Outputs& out);
  void advance_high_watermark(Outputs& out);

  ReplicaKey self_;
  ElectionState election_;
  LogState log_;
  Role role_ = Role::kUnattached;
  int64_t synced_ = 0;
  int64_t high_watermark_ = -1;
  Leadership leadership_;  // of kLeader
};

}  // namespace longhaul::broker::raft
