// A consumer of the simulation.
#pragma once

#include <map>
#include <set>

#include "protocol/messages/fetch.h"
#include "tests/sim/actor.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

/// Reads all partitions from their beginning with long polls, in a fetch session (KIP-227) with
/// each leader. What it reads at an offset must begin there. Where there are several replicas, what
/// it has been told to be the end never lies further back later (KIP-207).
class Consumer final : public Actor {
 public:
  Consumer(Region& region, std::string name, const ConnectionOptions& connection, Topics& topics,
           History& history)
      : Actor(region, std::move(name), connection), topics_(topics), history_(history) {}

 private:
  struct Position {
    int64_t offset = 0;
    bool searching = false;  // for where the log begins now
    int64_t end = 0;         // the furthest we were told of
  };
  struct Told {
    int32_t leader_epoch = -1;
    int64_t offset = 0;
    bool operator==(const Told&) const = default;
  };
  struct Session {
    int32_t id = 0;
    int32_t epoch = 0;
    Time asked{0};                     // when it was last asked
    std::set<PartitionId> has;         // partitions
    std::map<PartitionId, Told> told;  // of those, at their position
  };

  void work() override;
  void take_up_partitions();
  void poll(int32_t node);
  protocol::FetchRequest next_fetch(int32_t node, Session& session);
  void polled(int32_t node, const protocol::FetchResponse& response);
  void begin_anew(int32_t node);
  void read(int32_t node, const PartitionId& partition,
            const protocol::FetchResponse::PartitionData& data);
  void take(Position& position, int32_t node, const PartitionId& partition,
            const protocol::FetchResponse::PartitionData& data);
  void find_beginning(const PartitionId& partition);
  void ask_for_end();
  bool is_there(const PartitionId& partition) const;

  Topics& topics_;
  History& history_;
  std::map<PartitionId, Position> positions_;
  std::map<int32_t, Session> sessions_;  // by node
};

}  // namespace longhaul::sim
