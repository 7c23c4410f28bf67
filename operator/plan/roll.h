// Which pod is replaced next when brokers take over a new configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/plan/voters.h"

namespace longhaul::op::plan {

/// A broker as its pod shows it.
struct RollBroker {
  int64_t id = 0;
  bool outdated = false;  // its pod was made from an older template
  bool ready = false;
};

struct Partition {
  std::string topic;
  int32_t index = 0;
  std::vector<int32_t> replicas;
  std::vector<int32_t> in_sync;
};

/// What is known of the data, for as long as a broker answers.
struct RollEvidence {
  std::vector<Partition> partitions;
  Quorum quorum;
};

struct RollPlan {
  std::optional<int64_t> restart;  // this broker's pod now
  std::string why;                 // what is waited for; empty if nothing is
};

/// Brokers that do not work go first, since nothing is lost with them, then by ID, the quorum's
/// leader last. One that works goes only while every other broker is ready, no replica of another
/// is missing from an in-sync set, and every other voter is current: then each partition keeps all
/// of its other replicas, and the quorum its majority, if they have any.
RollPlan plan_roll(const std::vector<RollBroker>& brokers, const RollEvidence& evidence);

/// "restart 1002", "wait: …" or "nothing to restart".
std::string to_string(const RollPlan& plan);

}  // namespace longhaul::op::plan
