// Carries out what raft decides: appends, flushes, remembers elections, talks to other replicas.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "broker/metadata/metadata_log.h"
#include "broker/metadata/quorum_client.h"
#include "broker/raft/raft.h"

namespace longhaul::broker::metadata {

/// How a replica reaches the others of its quorum.
struct QuorumNetwork {
  /// A connection to there, for requests of the quorum alone: a fetch holds up what follows it. On
  /// the metadata loop; empty: there is nobody else.
  std::function<std::shared_ptr<client::Channel>(const client::Endpoint&)> connect;
  /// Whether an address refuses connections; on the metadata loop, answered on any. Empty: a leader
  /// that died is one that is silent.
  std::function<void(const client::Endpoint&, base::Callback<void(bool refused)>)> probe;
  std::vector<client::Endpoint> bootstrap;  ///< controller.quorum.bootstrap.servers
  std::string listener;             ///< the first of controller.listener.names: where to connect to
  raft::Timeouts timeouts;          ///< controller.quorum.*
  size_t fetch_bytes = 1 << 20;     ///< controller.quorum.fetch.max.bytes
  size_t snapshot_bytes = 1 << 20;  ///< controller.quorum.fetch.snapshot.max.bytes
};

/// Lives on the metadata loop; the flush of what was appended runs elsewhere. One is under way at a
/// time, and covers everything appended before it began: requests that come together are committed
/// together. What is rare blocks the loop: quorum-state, cutting off, taking over a snapshot.
///
/// Without room on its disk a leader hands over, and what raft asked for waits for room. Until then
/// raft hears nothing, and others are refused: as good as dead, but back at once.
class QuorumDriver : public std::enable_shared_from_this<QuorumDriver> {
 public:
  struct Params {
    base::EventLoop* loop = nullptr;
    base::Executor* io = nullptr;  ///< where fsync may block
    const base::Clock* clock = nullptr;
    base::Random* random = nullptr;  ///< used on the loop alone
    base::Logger logger{base::null_sink(), "metadata"};
    std::shared_ptr<MetadataLog> log;
    raft::ReplicaKey self;
    std::string cluster_id;
    QuorumNetwork network;
    // These are called in the order of what happened, when the log is as raft has it: they may
    // append.
    std::function<void(const raft::RoleChange&)> on_role;
    std::function<void(int64_t high_watermark)> on_committed;
    /// A leader's snapshot took the place of the log.
    std::function<void(const Snapshot&)> on_snapshot;
    /// The log cannot be written any more: the node must stop, and nothing that was not yet
    /// committed will be.
    std::function<void(const base::Error&)> on_fatal;
  };

  /// A batch that was appended as leader.
  struct Appended {
    int64_t base_offset = 0;
    int64_t next_offset = 0;
    int32_t epoch = 0;
    int64_t timestamp_ms = 0;
    size_t size_bytes = 0;
  };

  /// To a request of another replica.
  struct Answer {
    raft::Response response;
    base::Bytes records;  ///< of a fetch; the last batch may be cut off
  };
  using Answered = base::Callback<void(Answer)>;

  explicit QuorumDriver(Params params);
  /// Takes part in the quorum from now on; others reach this node at `endpoints`.
  void start(std::vector<raft::Endpoint> endpoints = {});
  /// Appends a batch and has it made durable. An error leaves the log as it was: kUnavailable if
  /// this is not the leader, or stopping, or waits for room; kNoSpace.
  base::Result<Appended> append(const MetadataRecords& records);
  /// A request of another replica, or for a change of the voters. `max_bytes` bounds records and
  /// bytes of snapshots. Dropped without an answer once this has stopped or failed.
  void receive(const raft::Request& request, size_t max_bytes, Answered answered);
  /// Where the leader of an epoch listens, as it told itself.
  void note_leader(LeaderAddress leader) { addresses_.note(std::move(leader)); }
  /// Where this node would reach that one; absent if that is not known.
  std::optional<client::Endpoint> address_of(int32_t id) const;
  /// A leader resigns if there is a voter to follow it.
  void resign();
  /// A leader resigns; nothing is begun any more. `idle` runs on the loop once no flush is under
  /// way, and the others know of the resignation or had their time for it.
  void stop(base::Task idle);

  /// From `start` on.
  const raft::Raft& raft() const { return *raft_; }
  /// A snapshot was written, and the log cleaned to begin at `log_start`.
  void snapshot_written(const raft::OffsetAndEpoch& id, int64_t log_start) {
    raft_->snapshot_written(id);
    raft_->log_start_moved(log_start);
  }

 private:
  using Event = std::variant<raft::RoleChange, raft::HighWatermark, Snapshot>;
  struct Waiting {
    size_t max_bytes = 0;
    Answered answered;
  };

  base::Clock::Monotonic now() const { return params_.clock->monotonic(); }
  void carry_out(raft::Outputs outputs);
  void go_on();
  bool waits_for_room() const { return room_timer_ != 0; }
  /// Raft may be told what happened.
  bool is_working() const { return !failed_ && !stopping_ && !waits_for_room(); }
  /// Room is short, and nothing else is wrong.
  bool may_pass(const base::Error& error) const;
  void hand_over_later();
  void wait_for_room(const base::Error& why);
  void look_for_room();
  void note_room();
  void tell_events();
  void arm();
  void begin_flush();
  void flushed(base::Result<int64_t> end, uint64_t truncations);
  void become_idle();
  void fail(const base::Error& error);

  // quorum_driver_outputs.cc
  base::Result<void> carry_out_one(raft::Output& output);
  void send(const raft::Send& send);
  void heard(uint64_t id, int32_t from, base::Result<QuorumReply> reply);
  void look_for_leader(int32_t leader);
  void complain(const std::string& what);
  void reply(raft::Reply& reply);
  void add_records(raft::Reply& reply, size_t max_bytes, Answer& answer) const;
  void add_snapshot(raft::FetchSnapshotResponse& response, size_t max_bytes) const;
  base::Result<void> append_fetched(const raft::AppendFetched& fetched);
  base::Result<void> install(const raft::OffsetAndEpoch& id);

  Params params_;
  AddressBook addresses_;
  std::optional<raft::Raft> raft_;
  std::map<std::string, base::Clock::Monotonic> complaints_;  // when each was made last
  std::deque<raft::Output> outputs_;                          // not carried out yet
  base::TimerId room_timer_ = 0;  // set while there is no room for the first of them
  bool lacks_room_ = false;       // likewise, and it was said
  std::deque<Event> events_;
  bool telling_ = false;
  std::map<uint64_t, Waiting> waiting_;  // for an answer of ours
  uint64_t next_id_ = 1;
  std::optional<base::Clock::Monotonic> tick_at_;
  base::TimerId tick_timer_ = 0;
  bool flushing_ = false;
  bool flush_again_ = false;
  uint64_t truncations_ = 0;  // a flush that began before one says nothing of what came after
  bool failed_ = false;
  bool stopping_ = false;
  bool probing_ = false;
  size_t farewells_ = 0;  // EndQuorumEpoch, not answered yet
  base::TimerId patience_timer_ = 0;
  base::Task idle_;
};

}  // namespace longhaul::broker::metadata
