// Several metadata nodes in one thread, with their logs on disks in memory and Kafka's RPCs between
// them over a network that delays and loses, by a seed. Whatever a quorum must never do is checked
// after each event.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_file_system.h"
#include "broker/metadata/birth.h"
#include "broker/metadata/node.h"
#include "tests/broker/metadata/test_config_rules.h"
#include "tests/support/loop.h"
#include "tests/support/simulation.h"

namespace longhaul::broker::metadata {

class ClusterSim {
 public:
  struct Faults {
    uint64_t lose_percent = 0;  ///< of messages, either way
    sim::Time delay{500};       ///< typical
  };
  struct Size {
    int voters = 3;
    int observers = 0;
  };

  /// Nodes 1 to `size.voters` found the cluster; those behind observe.
  ClusterSim(Size size, uint64_t seed);
  ~ClusterSim();

  void start(int id);
  void start_all();
  /// The process is gone; `mode` is what its disk keeps.
  void crash(int id, base::CrashMode mode);
  /// An orderly stop.
  void stop(int id);
  void lose_disk(int id);
  void run(sim::Time span);
  /// False if that does not come to be.
  template <class Done>
  bool run_until(Done done, sim::Time patience) {
    for (sim::Time until = simulation.now() + patience; !done();) {
      if (!step(until)) return false;
    }
    return true;
  }
  /// Nothing passes between the two, one way.
  void cut(int from, int to) { cuts_.insert({from, to}); }
  void isolate(int id);
  void heal() { cuts_.clear(); }

  /// Some node asks for a change, which is noted once it was acknowledged.
  void propose(int at);
  size_t acknowledged() const { return acknowledged_.size(); }
  /// Some node is asked for a change of the voters; counts have how many were made.
  void add_voter(int at, int id);
  void remove_voter(int at, const raft::ReplicaKey& key);
  /// One that was asked for may be on its way yet: the answer that tells did not come.
  bool is_change_in_doubt() const { return simulation.now() < in_doubt_until_; }
  /// How many of them have the disk that they vote with.
  size_t with_disk(const raft::VoterSet& voters) const;

  bool is_up(int id) const { return nodes_.at(id).node != nullptr; }
  const raft::Raft& raft(int id) const { return nodes_.at(id).node->raft(); }
  MetadataNode& node(int id) { return *nodes_.at(id).node; }
  base::MemoryFileSystem& disk(int id) { return *nodes_.at(id).disk; }
  /// The one that leads the newest epoch.
  std::optional<int> leader() const;
  /// All nodes have all that was committed anywhere, and nothing else.
  bool has_settled() const;
  /// Everything acknowledged is in every node's image.
  void check_images() const;
  raft::Voter voter(int id) const;
  std::string describe() const;
  int size() const { return static_cast<int>(nodes_.size()); }

  sim::Simulation simulation;
  Faults faults;
  MetadataLogOptions options;
  std::map<std::string, int> counts;  ///< of what has happened

 private:
  friend class SimChannel;
  struct Process;
  struct Node {
    int id = 0;
    raft::ReplicaKey key;
    std::unique_ptr<base::MemoryFileSystem> disk;
    std::shared_ptr<MetadataLog> log;
    std::unique_ptr<sim::Loop> loop;
    std::unique_ptr<sim::Workers> workers;
    std::shared_ptr<MetadataNode> node;
    bool stopping = false;
    int life = 0;
    int64_t checked = 0;  ///< committed, up to here
    int32_t epoch = 0;
  };

  void format(Node& node, FormatPermission permission);
  bool step(sim::Time until);
  void check(Node& node);
  void check_committed(Node& node);
  QuorumNetwork network(int id);
  void probe(int from, int to, base::Callback<void(bool refused)> done);
  void change_voters(int at, QuorumRequest request);
  std::shared_ptr<client::Channel> connect(int from, const client::Endpoint& to);
  /// A request that is not answered yet.
  struct Exchange {
    int from = 0;
    int life = 0;                                     // of that node's process
    std::shared_ptr<client::Channel::Answer> answer;  // empty once it was
  };
  void drop(Node& node);
  void break_connections(const Node& to);
  bool is_lost(int from, int to);

  std::map<int, Node> nodes_;
  sim::Clock clock_{simulation};
  base::SeededRandom random_;
  TestConfigRules rules_;
  std::vector<raft::Voter> founders_;
  std::set<std::pair<int, int>> cuts_;
  std::multimap<int, Exchange> exchanges_;  // by whom is asked
  std::map<int32_t, int> leaders_;          // by epoch
  std::map<int64_t, uint32_t> committed_;   // checksums of batches, by base offset
  int64_t committed_end_ = 0;
  std::set<int32_t> acknowledged_;
  int32_t next_broker_ = 100;
  sim::Time in_doubt_until_{0};
};

}  // namespace longhaul::broker::metadata
