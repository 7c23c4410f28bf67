// A consumer group of the simulation that does nothing but commit offsets.
#pragma once

#include <map>
#include <set>
#include <string>

#include "protocol/error_code.h"
#include "tests/sim/actor.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

/// Either commits from outside of any membership, or as the one member of its group. Offsets only
/// grow, so that each tells which commit it is of.
class Committer final : public Actor {
 public:
  Committer(World& world, Host& host, std::string name, const ConnectionOptions& connection,
            bool is_member, const Topics& topics)
      : Actor(world, host, std::move(name), connection), is_member_(is_member), topics_(topics) {}

  /// Its group has its name.
  const std::string& group() const { return name(); }
  /// Holds what the group has committed against what was acknowledged: a commit that was stays
  /// unless a later one replaced it, or an end without a sync may have cost it.
  void audit(const std::map<PartitionId, int64_t>& committed, Loss loss);

 private:
  struct Commits {
    int64_t acknowledged = -1;
    std::set<int64_t> open;  // since then, without an answer
    std::set<int64_t> ever;
  };

  void work() override { find_coordinator(); }
  void find_coordinator();
  void join();
  void sync();
  void commit();
  /// What to do about an error: begin anew, or say that there should be none.
  void refused(const char* what, protocol::ErrorCode code);

  const bool is_member_;
  const Topics& topics_;
  std::string member_id_;
  int32_t generation_ = -1;
  int64_t last_offset_ = 0;
  std::map<PartitionId, Commits> commits_;
};

}  // namespace longhaul::sim
