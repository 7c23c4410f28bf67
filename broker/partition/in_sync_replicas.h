// What a leader knows of its followers: who is in sync, what is committed by that, and which change
// of the in-sync replicas (ISR) it wants from the controller (KIP-497). No clock and no lock of its
// own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "broker/metadata/image.h"

namespace longhaul::broker::partition {

/// A broker as a member of the ISR; the epoch is that of its registration (KIP-903).
struct IsrMember {
  int32_t broker_id = -1;
  int64_t broker_epoch = -1;
  bool operator==(const IsrMember&) const = default;
};

/// The ISR as the controller has decided it.
struct IsrDecision {
  std::vector<int32_t> isr;
  int32_t leader_epoch = -1;
  int32_t partition_epoch = -1;
};

/// A change of the ISR that the leader has proposed and the controller not yet decided.
struct IsrProposal {
  std::vector<IsrMember> isr;
  int32_t leader_epoch = -1;
  int32_t partition_epoch = -1;
};

/// A fetch of a follower, as its leader sees it.
struct FollowerFetch {
  int32_t broker_id = -1;
  int64_t broker_epoch = -1;      ///< -1: an old version that does not tell
  int64_t offset = 0;             ///< everything below is in the follower's log
  int64_t log_start_offset = -1;  ///< of the follower's log
  int64_t leader_end_offset = 0;  ///< of the leader's log as it read for this fetch
  base::Clock::Monotonic now{};
};

/// Which brokers can be members at this moment: those that are neither fenced nor about to stop
/// (KIP-841), under the epoch of their registration.
class Eligibility {
 public:
  virtual ~Eligibility() = default;
  /// The epoch of the broker's registration; absent if it may not join an ISR.
  virtual std::optional<int64_t> epoch_of(int32_t broker_id) const = 0;
};

/// Whether a broker is where a consumer is.
using IsNear = std::function<bool(int32_t broker_id)>;

/// The leader's view of one partition's replicas, for one leader epoch. Not thread-safe.
///
/// A member of the ISR has everything that is committed. While a proposal is under way a broker
/// that is to join already counts for what is committed, and one that is to leave still does:
/// whatever the controller decides, nothing was called committed that a member may lack.
class InSyncReplicas {
 public:
  using Now = base::Clock::Monotonic;

  /// A new epoch of this leader: nothing is known of the followers, who have `max_lag` from now.
  void lead(int32_t self, const metadata::Partition& state, int64_t log_end_offset, Now now);
  /// The controller's newest word within the epoch; an older partition epoch is ignored.
  void update(const metadata::Partition& state);

  /// What it answered to a proposal. False if that is not newer than what we know.
  bool decided(const IsrDecision& decision);
  /// It refused the proposal: the ISR is as it was, and a change may be proposed anew.
  void refused(const IsrProposal& proposal);

  /// Takes note of a fetch. False if the broker is no replica, or it is of an earlier run of it.
  bool fetched(const FollowerFetch& fetch);

  const std::vector<int32_t>& isr() const { return isr_; }
  /// The end of our log when we took the lead.
  int64_t epoch_start() const { return epoch_start_; }

  /// Everything below is on all members (and on who is about to join): it may be called committed.
  int64_t committed_below(int64_t log_end_offset, Now now, Now max_lag,
                          const Eligibility& eligible) const;
  /// The smallest log start offset of the replicas that are alive; DeleteRecords waits for it.
  int64_t lowest_start_offset(int64_t own, const Eligibility& alive) const;

  /// Of the members that `is_near` and that have `offset`, the one that has most (KIP-392).
  std::optional<int32_t> nearest(int64_t offset, const IsNear& is_near) const;

  /// A broker that has caught up may join: the change to propose, unless one is under way. It has
  /// caught up when it has everything committed, and everything from before this epoch.
  std::optional<IsrProposal> propose_joining(int32_t broker_id, int64_t high_watermark,
                                             const Eligibility& eligible);
  /// Members that have lagged for more than `max_lag` (replica.lag.time.max.ms) are to leave.
  std::optional<IsrProposal> propose_leaving(int64_t log_end_offset, Now now, Now max_lag,
                                             const Eligibility& eligible);
  /// The leader cannot go on: it leaves the members that there are beside it, if those are `least`
  /// or more, and one of them leads.
  std::optional<IsrProposal> propose_stepping_down(size_t least, const Eligibility& eligible);

 private:
  struct Follower {
    int64_t end_offset = -1;  // of its log; -1: it has not fetched in this epoch
    int64_t log_start_offset = -1;
    int64_t broker_epoch = -1;
    int64_t leader_end_at_last_fetch = 0;
    Now last_fetch{};
    std::optional<Now> last_caught_up;
    bool counts = false;  // a member, or about to be one: waited for
  };

  bool is_member(int32_t broker_id) const;
  void count_members();
  bool lags(const Follower& follower, int64_t log_end_offset, Now now, Now max_lag) const;
  std::optional<IsrProposal> propose(const std::vector<int32_t>& isr, const Eligibility& eligible);

  int32_t self_ = -1;
  int32_t leader_epoch_ = -1;
  int32_t partition_epoch_ = -1;
  int64_t epoch_start_ = 0;  // the log's end when the epoch began
  std::vector<int32_t> isr_;
  std::map<int32_t, Follower> followers_;  // all replicas but ourselves
  std::optional<std::vector<int32_t>> pending_;
};

}  // namespace longhaul::broker::partition
