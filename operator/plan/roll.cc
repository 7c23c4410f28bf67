#include "operator/plan/roll.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace longhaul::op::plan {
namespace {

/// What speaks against stopping a broker that works; empty: nothing.
std::string objection(int64_t id, const std::vector<RollBroker>& brokers,
                      const RollEvidence& evidence) {
  for (const RollBroker& other : brokers)
    if (other.id != id && !other.ready) return fmt::format("broker {} is not ready", other.id);
  for (const QuorumReplica& voter : evidence.quorum.voters)
    if (voter.id != id && !voter.current)
      return fmt::format("voter {} has not caught up with the metadata quorum", voter.id);
  for (const Partition& partition : evidence.partitions)
    for (int32_t replica : partition.replicas) {
      const auto& in_sync = partition.in_sync;
      if (replica != id && std::find(in_sync.begin(), in_sync.end(), replica) == in_sync.end())
        return fmt::format("partition {}-{}: broker {} is not in sync", partition.topic,
                           partition.index, replica);
    }
  return "";
}

}  // namespace

RollPlan plan_roll(const std::vector<RollBroker>& brokers, const RollEvidence& evidence) {
  auto rank = [&](const RollBroker& broker) {
    return std::tuple(!broker.outdated, broker.ready, broker.id == evidence.quorum.leader,
                      broker.id);
  };
  auto next = std::min_element(brokers.begin(), brokers.end(),
                               [&](auto& a, auto& b) { return rank(a) < rank(b); });
  if (next == brokers.end() || !next->outdated) return {};
  if (!next->ready) return {next->id, ""};
  std::string why = objection(next->id, brokers, evidence);
  if (why.empty()) return {next->id, ""};
  return {std::nullopt, fmt::format("before broker {} is restarted: {}", next->id, why)};
}

std::string to_string(const RollPlan& plan) {
  if (plan.restart) return fmt::format("restart {}", *plan.restart);
  return plan.why.empty() ? "nothing to restart" : "wait: " + plan.why;
}

}  // namespace longhaul::op::plan
