// The topics that there should be.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/history.h"

namespace longhaul::sim {

struct Topic {
  enum class State { kCreating, kThere, kDeleting };  // -ing: it was asked for, answered or not

  std::string name;
  base::Uuid id;  // zero until it is known
  int32_t partitions = 0;
  int32_t most_partitions = 0;  // as asked for
  bool may_change = false;      // grow, go and come again
  Promise promise;
  State state = State::kCreating;
};

/// A topic as the broker shows it.
struct ShownTopic {
  std::string name;
  base::Uuid id;
  int32_t partitions = 0;
};

/// What was acknowledged is there, or is gone, whatever happens; what was only asked for may be.
class Topics {
 public:
  Topics(Findings& findings, History& history) : findings_(findings), history_(history) {}

  void creating(const Topic& topic);
  void created(const std::string& name, const base::Uuid& id);
  void growing(const std::string& name, int32_t partitions);
  void grown(const std::string& name, int32_t partitions);
  void deleting(const std::string& name);
  void deleted(const std::string& name);

  /// Null if there is none of this name.
  const Topic* find(const std::string& name) const;
  const Topic* find(const base::Uuid& id) const;
  /// Those of topics that are there and stay.
  std::vector<PartitionId> partitions() const;

  /// Holds all against what there is, when nothing is under way; what was open is known then.
  void audit(const std::vector<ShownTopic>& shown);

 private:
  void settle(Topic& topic);

  Findings& findings_;
  History& history_;
  std::map<std::string, Topic> topics_;
  /// How many partitions by that name: an answer that never came may be a request that still comes,
  /// to another topic of this name.
  std::map<std::string, int32_t> asked_for_;
};

}  // namespace longhaul::sim
