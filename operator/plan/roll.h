// Which pod is replaced next when brokers take over a new configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "operator/plan/voters.h"

namespace longhaul::op::plan {

/// A node, broker or witness, as its pod shows it.
enum class Health {
  kReady,
  kUnready,  ///< it may become ready as it is
  kStuck,    ///< Kubernetes says that it cannot run it as it is
};

struct RollBroker {
  int64_t id = 0;
  Health health = Health::kUnready;
  bool outdated = false;  // its pod, or the template of its next one, is older than what shall be
  bool begun = false;     // its turn has come: the template of its next pod is newer than its pod
  bool witness = false;   // a controller only
};

struct Partition {
  std::string topic;
  int32_t index = 0;
  std::vector<int32_t> replicas;
  std::vector<int32_t> in_sync;
  int32_t min_in_sync = 1;  // min.insync.replicas of its topic
};

/// What is known of the data, for as long as a broker answers.
struct RollEvidence {
  std::vector<int32_t> brokers;  // registered and not fenced
  std::vector<Partition> partitions;
  Quorum quorum;
};

struct RollPlan {
  std::optional<int64_t> restart;  // this node's pod now
  std::optional<int64_t> next;     // whose turn it is, if anybody is outdated
  std::vector<int64_t> remaining;  // all that are outdated, by ID
  std::string why;                 // what is waited for; empty if nothing is
  std::string gap;                 // what cannot but stand still during the restart; empty: nothing
};

/// Nodes that do not work go first, then those whose turn has come before, then by ID, the quorum's
/// leader last; one that may not go lets those behind it pass.
///
/// One that works goes only while every other node is ready, registered and current with the
/// quorum, and no replica of another is missing from an in-sync set: then each partition keeps all
/// of its other replicas, and the quorum its majority, if they have any.
///
/// One that does not work is mended by its restart: a stuck one loses nothing by it, any other
/// still counts where it is in sync or votes, so what is left must hold min.insync.replicas and the
/// majority. It waits while the new configuration is in doubt, that is, while a node that has it
/// does not work and none does: what crashes meanwhile comes back as it was. Where nobody can be
/// asked (`evidence` is an error) and the region stands still, a stuck one need not wait for more
/// than that the node with the new configuration runs.
RollPlan plan_roll(const std::vector<RollBroker>& brokers,
                   const base::Result<RollEvidence>& evidence);

/// The first replica that is missing from an in-sync set: "partition t-0: broker 1 is not in sync".
/// `except` does not count. Empty: there is none.
std::string missing_replica(const std::vector<Partition>& partitions, int64_t except = -1);

/// "restart 1002", "wait: …" or "nothing to restart".
std::string to_string(const RollPlan& plan);

}  // namespace longhaul::op::plan
