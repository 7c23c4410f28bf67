// Whoever changes topics in the simulation.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/error_code.h"
#include "tests/sim/actor.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

/// How a topic is to be made.
struct NewTopic {
  std::string name;
  int32_t partitions = 1;
  bool may_change = false;
  Promise promise;
  std::map<std::string, std::string> options;
};

/// One change at a time: topics that may change come, grow and go. Records of some topics are
/// deleted. While things break in a region, replicas of all topics are to go to other brokers.
class Admin final : public Actor {
 public:
  Admin(Region& region, std::string name, const ConnectionOptions& connection, Topics& topics,
        History& history)
      : Actor(region, std::move(name), connection), topics_(topics), history_(history) {}

  void create(const NewTopic& topic);

 private:
  void work() override;
  void turn();
  void change();
  void grow(const Topic& topic);
  void remove(const Topic& topic);
  void reassign();
  std::vector<int32_t> some_brokers();
  void delete_records();
  void check(const char* what, const std::string& topic, protocol::ErrorCode code);

  Topics& topics_;
  History& history_;
};

}  // namespace longhaul::sim
