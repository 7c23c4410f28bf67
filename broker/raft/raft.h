// The metadata quorum's consensus (KRaft: KIP-595, 630, 853, 996) as a state machine without
// sockets, disk or clock: the driver tells it what happened, it answers with what to do
// (outputs.h). One thread at a time.
//
// The log itself belongs to the driver. The state machine knows where it begins and ends, how far
// it is on stable storage, which epoch begins where, and which records in it name voters: the
// newest VotersRecord counts from the moment it is in the log, and no longer if it is cut off.
//
// A replica is a node ID with a directory ID. A node that lost its disk comes back as another
// replica: it observes until it is made a voter, and its old self is removed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "broker/raft/messages.h"
#include "broker/raft/outputs.h"
#include "broker/raft/types.h"

namespace longhaul::broker::raft {

/// What the log held when the node started, all of it on stable storage.
struct LogState {
  int64_t end_offset = 0;
  EpochTable epochs;  ///< its origin is where the log begins
  VoterHistory voters;
  OffsetAndEpoch snapshot;  ///< the newest one
  int64_t committed = 0;    ///< below is, as an earlier run knew
};

/// A leader keeps track of no more, voters and observers together.
inline constexpr size_t kMostReplicas = 4096;

/// Kafka's options, with its defaults.
struct Timeouts {
  using Duration = base::Clock::Monotonic;
  Duration election{std::chrono::milliseconds(1000)};  ///< controller.quorum.election.timeout.ms
  Duration fetch{std::chrono::milliseconds(2000)};     ///< controller.quorum.fetch.timeout.ms
  Duration backoff{std::chrono::milliseconds(1000)};  ///< controller.quorum.election.backoff.max.ms
  Duration request{std::chrono::milliseconds(2000)};  ///< controller.quorum.request.timeout.ms
  Duration retry{std::chrono::milliseconds(20)};      ///< controller.quorum.retry.backoff.ms
  Duration max_wait{std::chrono::milliseconds(500)};  ///< how long a fetch waits for news
  Duration observer{std::chrono::minutes(5)};  ///< a leader forgets an observer silent for so long
};

class Raft {
 public:
  using Now = base::Clock::Monotonic;

  /// What a leader knows of another replica.
  struct Progress {
    int64_t durable = 0;            ///< everything below is synced there
    std::optional<Now> last_fetch;  ///< when it asked last
    std::optional<Now> caught_up;   ///< when it last had all that there was
    int64_t end_at_last_fetch = 0;  ///< where the leader's log ended at its last fetch
    std::optional<Now> last_begin;  ///< when BeginQuorumEpoch was last sent
  };

  /// `self` is this replica as VotersRecord should have it (without endpoints: as it has it);
  /// `election` what its quorum-state said (empty if there was none). `random` must outlive this.
  Raft(Voter self, ElectionState election, LogState log, base::Random& random,
       Timeouts timeouts = {});

  /// Call once, first. The only voter of a quorum takes the lead at once, under a new epoch.
  Outputs start(Now now);
  /// Call at `next_tick` or later.
  Outputs tick(Now now);
  /// When time alone will change something; absent if it will not.
  std::optional<Now> next_tick() const;

  /// A request came; `id` is for the Reply, which may follow from a later call.
  Outputs receive(const Request& request, uint64_t id, Now now);
  /// What will be answered to this request; kNone if its leader is followed.
  ErrorCode judge(const BeginQuorumEpochRequest& request) const;
  /// The answer to the `Send` of this ID, or that there will be none. Late ones are ignored.
  Outputs answered(uint64_t id, const Response& response, Now now);
  /// `is_passing`: asking again soon may help.
  void failed(uint64_t id, bool is_passing, Now now);
  /// Nobody listens any more where the leader of this epoch did: its process is gone, and who
  /// follows it need not wait for controller.quorum.fetch.timeout.ms. A voter campaigns, others ask
  /// around.
  Outputs leader_gone(int32_t leader, int32_t epoch, Now now);

  /// The leader has appended a batch of `records` records that begins at the `end_offset()` before
  /// this call and carries `epoch()`. Not for other roles.
  Outputs appended(int32_t records);

  /// The log is on stable storage below `end_offset`.
  Outputs synced(int64_t end_offset, Now now);

  /// A snapshot is on disk, and may be asked for.
  void snapshot_written(OffsetAndEpoch snapshot);
  /// The log was cleaned: records below `start_offset` are only in a snapshot.
  void log_start_moved(int64_t start_offset);
  /// `InstallSnapshot` is done, or the snapshot was not whole; `voters` are those it names.
  Outputs snapshot_installed(OffsetAndEpoch snapshot, VoterSet voters, Now now);
  Outputs snapshot_rejected(Now now);

  /// A leader steps down and names its successors, for an orderly stop.
  Outputs resign(Now now);

  Role role() const { return role_; }
  bool is_leader() const { return role_ == Role::kLeader; }
  bool is_voter() const { return log_.voters.latest().contains(self_.key); }
  int32_t epoch() const { return election_.epoch; }
  /// As far as known; absent once it has resigned.
  std::optional<int32_t> leader() const;
  const ReplicaKey& self() const { return self_.key; }
  const std::vector<Endpoint>& self_endpoints() const { return self_.endpoints; }
  const VoterHistory& voters() const { return log_.voters; }
  const EpochTable& epochs() const { return log_.epochs; }
  int64_t start_offset() const { return log_.epochs.origin().offset; }
  int64_t end_offset() const { return log_.end_offset; }
  /// -1 until it is known in this run.
  int64_t high_watermark() const { return high_watermark_; }
  /// Of a leader: the replicas that have fetched from it, and all voters but itself.
  const std::map<ReplicaKey, Progress>& replicas() const { return leadership_.replicas; }

 private:
  struct Leadership {
    int64_t epoch_start = 0;
    Now since{};
    std::map<ReplicaKey, Progress> replicas;
    struct Waiting {
      uint64_t id = 0;
      FetchRequest request;
      Now until{};
    };
    std::vector<Waiting> fetches;
    struct Change {
      uint64_t id = 0;
      int64_t offset = 0;
      Now until{};
    };
    std::optional<Change> change;  // of voters: whom to answer once the record at `offset` counts
  };
  struct Ballot {
    std::set<int32_t> granted;
    std::set<int32_t> rejected;
  };
  struct Outstanding {
    int32_t to = -1;
    Request request;
    Now until{};
  };
  struct Download {
    OffsetAndEpoch snapshot;
    int64_t position = 0;
  };

  // raft.cc
  /// Below is committed for certain: what a snapshot holds is, before this run knows more.
  int64_t committed() const {
    return std::max({high_watermark_, log_.snapshot.offset, log_.committed});
  }
  OffsetAndEpoch log_end() const { return {log_.end_offset, log_.epochs.last()}; }
  bool is_me(const ReplicaKey& key) const;
  bool is_rival(int32_t epoch, int32_t leader) const;
  bool is_too_far(int32_t epoch) const;
  Standing standing(ErrorCode error) const;
  void persist(Outputs& out);
  void announce(Outputs& out);
  void send(int32_t to, Request request, Now now, Outputs& out);
  Timeouts::Duration random_within(Timeouts::Duration most);
  Now random_after(Now now, Timeouts::Duration least);
  std::optional<Outstanding> take_outstanding(uint64_t id);
  void forget_conversations();
  void become_unattached(int32_t epoch, Now now, Outputs& out);
  void role_timed_out(Now now, Outputs& out);
  bool learn(const Standing& standing, Now now, Outputs& out);
  void back_off(bool is_passing, Now now);

  // election.cc
  bool may_campaign() const;
  void become_prospective(Now now, Outputs& out);
  void become_candidate(Now now, Outputs& out);
  void ask_for_votes(bool pre_vote, Now now, Outputs& out);
  void count_votes(Now now, Outputs& out);
  void lose_election(Now now, Outputs& out);
  bool would_grant(const VoteRequest& request) const;
  void on(const VoteRequest& request, uint64_t id, Now now, Outputs& out);
  void on_answer(const VoteRequest& request, const VoteResponse& response, int32_t from, Now now,
                 Outputs& out);

  // leader.cc
  void become_leader(Now now, Outputs& out);
  void lead(Now now, Outputs& out);
  bool hears_majority(Now now) const;
  void begin_epoch(Now now, Outputs& out);
  void advance_high_watermark(Now now, Outputs& out);
  void resign(Now now, Outputs& out);
  void drop_leadership(Outputs& out);

  // leader_fetch.cc
  std::optional<ErrorCode> refuse_fetch(int32_t epoch) const;
  bool is_cleaned(const FetchRequest& request) const;
  std::optional<OffsetAndEpoch> divergence(const FetchRequest& request) const;
  void on(const FetchRequest& request, uint64_t id, Now now, Outputs& out);
  void on(const FetchSnapshotRequest& request, uint64_t id, Now now, Outputs& out);
  void note_contact(const ReplicaKey& replica, Now now);
  void make_room_for(const ReplicaKey& replica);
  void note_progress(const FetchRequest& request, Now now);
  bool answer_with_news(const FetchRequest& request, uint64_t id, Outputs& out);
  void answer_waiting(Outputs& out);
  void answer_expired(Now now, Outputs& out);
  void wait_for_news(const FetchRequest& request, uint64_t id, Now now, Outputs& out);

  // voter_changes.cc
  void on(const AddVoterRequest& request, uint64_t id, Now now, Outputs& out);
  void on(const RemoveVoterRequest& request, uint64_t id, Now now, Outputs& out);
  void on(const UpdateVoterRequest& request, uint64_t id, Now now, Outputs& out);
  void answer_change(uint64_t id, ErrorCode error, std::string message, Outputs& out);
  bool refuse_change(uint64_t id, Outputs& out);
  bool is_caught_up(const ReplicaKey& key, Now now) const;
  int64_t change_voters(VoterSet voters, Outputs& out);
  void expire_change(Now now, Outputs& out);
  void finish_change(Now now, Outputs& out);
  bool is_recorded_wrongly() const;
  void correct_own_record(Now now, Outputs& out);

  // follower.cc
  void become_follower(int32_t epoch, int32_t leader, Now now, Outputs& out);
  int32_t somebody(Now now);
  bool is_gone(int32_t leader, Now now) const;
  void lose_leader(Now now, Outputs& out);
  void fetch(Now now, Outputs& out);
  void on(const BeginQuorumEpochRequest& request, uint64_t id, Now now, Outputs& out);
  void on(const EndQuorumEpochRequest& request, uint64_t id, Now now, Outputs& out);
  bool leader_answered(const Standing& standing, Now now, Outputs& out);
  void on_answer(const FetchResponse& response, Now now, Outputs& out);
  void on_answer(const FetchSnapshotResponse& response, Now now, Outputs& out);
  void take_records(const FetchResponse& response, Now now, Outputs& out);
  void truncate(const OffsetAndEpoch& diverging, Now now, Outputs& out);
  void follow_high_watermark(Outputs& out);
  void alarm(std::string what, Now now, Outputs& out);

  Voter self_;
  ElectionState election_;
  LogState log_;
  base::Random& random_;
  Timeouts timeouts_;
  Role role_ = Role::kUnattached;
  int64_t synced_ = 0;
  int64_t high_watermark_ = -1;
  std::optional<Now> deadline_;         // of the role
  std::optional<Now> next_fetch_;       // of one who backs off
  std::optional<int32_t> last_asked_;   // of those who may know the leader
  Now gone_until_{};                    // the leader of this epoch is not worth a fetch before
  Now next_update_{};                   // no UpdateVoter before
  bool fetching_ = false;               // a fetch is under way
  bool leader_resigned_ = false;        // the leader of this epoch has said so
  bool fetched_in_epoch_ = false;       // the leader of this epoch has answered
  int64_t leader_high_watermark_ = -1;  // as a follower heard it
  std::optional<Download> download_;    // the snapshot that a follower fetches
  Ballot ballot_;
  Leadership leadership_;
  std::map<uint64_t, Outstanding> outstanding_;
  uint64_t next_id_ = 1;
};

}  // namespace longhaul::broker::raft
