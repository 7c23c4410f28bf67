// A quorum of replicas in one thread, with a network and disks that fail by a seed. Whatever a
// quorum must never do is checked at each step.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "broker/raft/raft.h"

namespace longhaul::broker::raft {

class QuorumSim {
 public:
  using Now = Raft::Now;

  struct Faults {
    uint64_t lose_percent = 0;
    uint64_t duplicate_percent = 0;
    int64_t max_delay_us = 5'000;
    int64_t max_sync_us = 3'000;
    uint64_t snapshot_percent = 0;  ///< of steps: a replica makes one, and may clean its log
  };

  /// Nodes 1 to `voters` vote, those behind observe.
  QuorumSim(int voters, int observers, uint64_t seed);

  /// Lets `duration` pass; the leaders propose now and then.
  void run(Now duration, bool propose = true);

  /// Stops a node; what it had not synced is lost unless `keep`.
  void crash(int id, bool keep);
  void start(int id);
  void start_all();
  /// Stops a node and gives it an empty disk, with a directory ID of its own.
  void lose_disk(int id);
  void cut(int a, int b) { cuts_.insert({a, b}); }
  /// Nothing passes between these nodes and the others.
  void isolate(const std::set<int>& ids);
  void heal() { cuts_.clear(); }
  void resign(int id);
  void snapshot(int id, bool clean);

  /// Asks the leader for a change; the answer is in `changes` at its token.
  std::optional<uint64_t> change(const Request& request);
  std::map<uint64_t, ErrorCode> changes;
  /// The voter that this node would be now.
  Voter voter(int id) const;
  /// Asks again and again until it is done; false if that does not happen in `patience`.
  bool change_until_done(const std::function<Request()>& request, Now patience);

  /// The leader of the newest epoch.
  std::optional<int> leader() const;
  const Raft* raft(int id) const { return nodes_.at(id).raft.get(); }
  int64_t log_start(int id) const { return nodes_.at(id).origin.offset; }
  int64_t committed() const { return digests_.rbegin()->first; }
  bool all_caught_up() const;
  /// How many of these voters still have their disk.
  size_t with_disk(const VoterSet& voters) const;
  int nodes() const { return static_cast<int>(nodes_.size()); }
  std::string state() const;
  /// What happened, for comparing runs.
  std::string story() const { return story_; }
  base::Random& random() { return random_; }

  Faults faults;
  int truncations = 0;
  int elections = 0;
  int installed = 0;  ///< snapshots

 private:
  struct Snapshot {
    OffsetAndEpoch id;
    VoterSet voters;
    uint64_t digest = 0;
  };
  struct Node {
    int next_bootstrap = 0;
    ReplicaKey key;
    // On disk.
    ElectionState election;
    Snapshot snapshot;
    OffsetAndEpoch origin;
    std::vector<Batch> log;
    int64_t durable = 0;
    // In memory.
    std::unique_ptr<Raft> raft;
    int life = 0;
    int64_t applied = 0;
    uint64_t digest = 0;
    int64_t downloaded = 0;
    bool flushing = false;
    bool flush_again = false;
    int cuts = 0;
    std::optional<Now> tick;
  };
  struct Conversation {
    int from;  // 0: somebody with a change of voters
    int life;
    uint64_t id;
  };

  void new_disk(int id, const VoterSet& voters);
  static int64_t end(const Node& node);
  void at(Now when, std::function<void()> what);
  void later(int id, int64_t max_us, std::function<void(Node&)> what);
  void deliver(int from, int to, std::function<void(Node&)> what);
  void carry_out(int id, Outputs outputs);
  void arm(int id);
  void append(Node& node, Batch batch);
  void apply(int id, Node& node, const Batch& batch);
  void check_digest(int id, int64_t offset, uint64_t digest);
  std::shared_ptr<const base::Bytes> payload();
  static size_t position(const Node& node, int64_t offset);
  void add_records(const Node& node, int64_t from, FetchResponse& response);
  void add_bytes(const Node& node, FetchSnapshotResponse& response);
  void act_somewhere(bool propose);

  void on(int id, Node& node, PersistElection& it);
  void on(int id, Node& node, AppendControl& it);
  void on(int id, Node& node, AppendVoters& it);
  void on(int id, Node& node, AppendFetched& it);
  void on(int id, Node& node, Truncate& it);
  void on(int id, Node& node, Flush& it);
  void on(int id, Node& node, RoleChange& it);
  void on(int id, Node& node, HighWatermark& it);
  void on(int id, Node& node, Send& it);
  void on(int id, Node& node, Reply& it);
  void on(int id, Node& node, WriteSnapshot& it);
  void on(int id, Node& node, InstallSnapshot& it);
  void on(int id, Node& node, Alarm& it);

  base::SeededRandom random_;
  Now now_{1'000'000};
  std::map<int, Node> nodes_;
  std::map<std::pair<Now, uint64_t>, std::function<void()>> events_;
  std::set<std::pair<int, int>> cuts_;
  std::map<uint64_t, Conversation> conversations_;
  std::map<int32_t, int> leaders_;                              // by epoch
  std::map<std::pair<int64_t, int32_t>, base::Bytes> written_;  // by offset and epoch
  std::map<int64_t, uint64_t> digests_{{0, 0}};                 // of what is committed
  std::map<OffsetAndEpoch, Snapshot> snapshots_;
  std::string story_;
  uint64_t sequence_ = 0;
  uint8_t disks_ = 0;
};

}  // namespace longhaul::broker::raft
