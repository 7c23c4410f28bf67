// A consumer of the simulation.
#pragma once

#include <map>
#include <set>

#include "protocol/messages/fetch.h"
#include "tests/sim/actor.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

/// Reads all partitions from their beginning with long polls in fetch sessions (KIP-227). What it
/// reads at an offset must begin there.
class Consumer final : public Actor {
 public:
  Consumer(World& world, Host& host, std::string name, const ConnectionOptions& connection,
           Topics& topics, History& history)
      : Actor(world, host, std::move(name), connection), topics_(topics), history_(history) {}

 private:
  struct Position {
    int64_t offset = 0;
    bool told = false;       // the session knows it
    bool searching = false;  // for where the log begins now
  };

  void work() override;
  void take_up_partitions();
  void poll();
  void polled(const protocol::FetchResponse& response);
  void read(const PartitionId& partition, const protocol::FetchResponse::PartitionData& data);
  void find_beginning(const PartitionId& partition);

  Topics& topics_;
  History& history_;
  std::map<PartitionId, Position> positions_;
  std::set<PartitionId> forgotten_;  // the session is not told yet
  int32_t session_ = 0;
  int32_t epoch_ = 0;
};

}  // namespace longhaul::sim
