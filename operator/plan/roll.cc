#include "operator/plan/roll.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace longhaul::op::plan {
namespace {

bool holds(const std::vector<int32_t>& ids, int64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// How many voters can be spared at most: none while the majority takes all of them.
bool has_spare_voters(const Quorum& quorum) { return quorum.voters.size() > 2; }

class RollPlanner {
 public:
  RollPlanner(const std::vector<RollBroker>& brokers, const base::Result<RollEvidence>& evidence)
      : brokers_(brokers), evidence_(evidence) {}

  RollPlan run() {
    RollPlan plan;
    std::vector<const RollBroker*> order;
    for (const RollBroker& each : brokers_)
      if (each.outdated) order.push_back(&each);
    for (const RollBroker* each : order) plan.remaining.push_back(each->id);
    std::sort(order.begin(), order.end(), [&](auto* a, auto* b) { return rank(*a) < rank(*b); });
    for (const RollBroker* each : order) {
      std::string why = each->health == Health::kReady ? objection(*each) : hope(*each);
      if (why.empty()) {
        plan.restart = plan.next = each->id;
        plan.why.clear();
        plan.gap = gap(each->id);
        return plan;
      }
      if (plan.next) continue;
      plan.next = each->id;
      plan.why = fmt::format("before broker {} is restarted: {}", each->id, why);
    }
    return plan;
  }

 private:
  std::tuple<int, bool, bool, int64_t> rank(const RollBroker& broker) const {
    int health = broker.health == Health::kStuck ? 0 : broker.health == Health::kUnready ? 1 : 2;
    bool leads = evidence_ && broker.id == evidence_->quorum.leader;
    return {health, !broker.begun, leads, broker.id};
  }

  /// What speaks against stopping a broker that works; empty: nothing.
  std::string objection(const RollBroker& broker) const {
    for (const RollBroker& other : brokers_)
      if (other.id != broker.id && other.health != Health::kReady)
        return fmt::format("broker {} is not ready", other.id);
    if (!evidence_) return evidence_.error().message;
    const Quorum& quorum = evidence_->quorum;
    for (const RollBroker& other : brokers_) {
      if (other.id == broker.id) continue;
      if (!other.witness && !holds(evidence_->brokers, other.id))
        return fmt::format("broker {} is not registered", other.id);
      const QuorumReplica* voter = quorum.voter(other.id);
      if (voter && !voter->current)
        return fmt::format("voter {} has not caught up with the metadata quorum", other.id);
      // A broker that has just gone is missed here long before it leaves an in-sync set.
      if (!voter && !quorum.current_observer(other.id))
        return fmt::format("broker {} has not caught up with the metadata quorum", other.id);
    }
    return missing_replica(evidence_->partitions, broker.id);
  }

  /// The node, if any, because of which nobody knows whether the new configuration works.
  const RollBroker* doubt() const {
    const RollBroker* found = nullptr;
    for (const RollBroker& each : brokers_) {
      if (each.outdated) continue;
      if (each.health == Health::kReady) return nullptr;
      if (!found) found = &each;
    }
    return found;
  }

  /// Why a broker that does not work is better left as it is; empty: there is no reason.
  std::string hope(const RollBroker& broker) const {
    bool stuck = broker.health == Health::kStuck;
    if (const RollBroker* other = doubt();
        other && (evidence_ || !stuck || other->health == Health::kStuck))
      return fmt::format("broker {} has the new configuration and is not ready", other->id);
    if (stuck) return "";
    if (evidence_) return cost(broker.id);
    bool somebody_works = std::any_of(brokers_.begin(), brokers_.end(), [](const auto& each) {
      return each.health == Health::kReady;
    });
    return somebody_works ? evidence_.error().message : "";
  }

  /// What a broker that is not ready still gives and the others could not do without.
  std::string cost(int64_t id) const {
    const Quorum& quorum = evidence_->quorum;
    const QuorumReplica* voter = quorum.voter(id);
    size_t others = 0;
    for (const QuorumReplica& each : quorum.voters) others += each.id != id && each.current;
    if (voter && voter->current && has_spare_voters(quorum) && others <= quorum.voters.size() / 2)
      return "the metadata quorum would lose its majority";
    for (const Partition& each : evidence_->partitions) {
      if (!holds(each.in_sync, id)) continue;
      int64_t most = static_cast<int64_t>(each.replicas.size()) - 1;
      int64_t left = static_cast<int64_t>(each.in_sync.size()) - 1;
      if (left < std::min<int64_t>(each.min_in_sync, most))
        return fmt::format("partition {}-{} would have {} in-sync replicas of the {} it needs",
                           each.topic, each.index, left, each.min_in_sync);
    }
    return "";
  }

  /// What stands still however long one waits before the restart.
  std::string gap(int64_t id) const {
    if (!evidence_) return "";
    std::string out;
    if (evidence_->quorum.voter(id) && !has_spare_voters(evidence_->quorum))
      out = "the metadata quorum has no majority";
    size_t count = 0;
    const Partition* first = nullptr;
    for (const Partition& each : evidence_->partitions) {
      int64_t most = static_cast<int64_t>(each.replicas.size()) - 1;
      if (!holds(each.replicas, id) || most >= std::max(each.min_in_sync, 1)) continue;
      if (++count == 1) first = &each;
    }
    if (!first) return out;
    std::string more = count == 1 ? "" : fmt::format(" and {} more", count - 1);
    return out + (out.empty() ? "" : ", ") +
           fmt::format(
               "partition {}-{}{} cannot be written with all acknowledgements: replicas "
               "{}, min.insync.replicas {}",
               first->topic, first->index, more, first->replicas.size(), first->min_in_sync);
  }

  const std::vector<RollBroker>& brokers_;
  const base::Result<RollEvidence>& evidence_;
};

}  // namespace

RollPlan plan_roll(const std::vector<RollBroker>& brokers,
                   const base::Result<RollEvidence>& evidence) {
  return RollPlanner(brokers, evidence).run();
}

std::string missing_replica(const std::vector<Partition>& partitions, int64_t except) {
  for (const Partition& partition : partitions)
    for (int32_t replica : partition.replicas)
      if (replica != except && !holds(partition.in_sync, replica))
        return fmt::format("partition {}-{}: broker {} is not in sync", partition.topic,
                           partition.index, replica);
  return "";
}

std::string to_string(const RollPlan& plan) {
  if (plan.restart) return fmt::format("restart {}", *plan.restart);
  return plan.why.empty() ? "nothing to restart" : "wait: " + plan.why;
}

}  // namespace longhaul::op::plan
