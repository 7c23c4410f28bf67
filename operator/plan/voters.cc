#include "operator/plan/voters.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace longhaul::op::plan {
namespace {

bool contains(const std::vector<int64_t>& ids, int64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

int64_t count_current(const std::vector<QuorumReplica>& voters) {
  return std::count_if(voters.begin(), voters.end(), [](const auto& each) { return each.current; });
}

/// How many of the voters that are current may fail before there is no majority; negative if there
/// is none now.
int64_t margin(const std::vector<QuorumReplica>& voters) {
  return count_current(voters) - static_cast<int64_t>(voters.size() / 2 + 1);
}

class Planner {
 public:
  Planner(const std::vector<VoterNode>& nodes, const Quorum& quorum) : quorum_(quorum) {
    plan_.wanted = choose_voters(nodes, quorum);
  }

  VoterPlan run() {
    if (!replace_lost() && !add_missing()) remove_surplus();
    return std::move(plan_);
  }

 private:
  bool decide(VoterPlan::Action action, const QuorumReplica& replica, std::string why) {
    plan_.action = action;
    plan_.replica = replica;
    plan_.why = std::move(why);
    return true;
  }

  bool remove(const QuorumReplica& voter, std::string why) {
    std::vector<QuorumReplica> after;
    for (const QuorumReplica& each : quorum_.voters)
      if (each.id != voter.id) after.push_back(each);
    bool all_current = count_current(quorum_.voters) == static_cast<int64_t>(quorum_.voters.size());
    bool safe = margin(after) >= 0 && (all_current || margin(after) >= margin(quorum_.voters));
    if (safe) return decide(VoterPlan::Action::kRemove, voter, std::move(why));
    return decide(VoterPlan::Action::kWait, voter,
                  fmt::format("without voter {} too few of the others have caught up", voter.id));
  }

  bool replace_lost() {
    for (const QuorumReplica& voter : quorum_.voters) {
      if (!quorum_.current_observer(voter.id)) continue;
      std::string why = fmt::format("node {} runs with another disk", voter.id);
      if (!voter.current) return remove(voter, std::move(why));
      return decide(VoterPlan::Action::kWait, voter, why + " than lately");
    }
    return false;
  }

  bool add_missing() {
    size_t missing = 0;
    int64_t awaited = -1;
    std::vector<const QuorumReplica*> here;
    for (int64_t id : plan_.wanted) {
      if (quorum_.voter(id)) continue;
      ++missing;
      if (const QuorumReplica* found = quorum_.current_observer(id))
        here.push_back(found);
      else if (awaited < 0)
        awaited = id;
    }
    if (missing == 0) return false;
    // An even number of voters survives no more than one voter less, and has one more to fail.
    bool to_even = quorum_.voters.size() % 2 == 1;
    if (!here.empty() && (!to_even || missing == 1 || here.size() > 1))
      return decide(VoterPlan::Action::kAdd, *here[0], "it has caught up");
    return decide(VoterPlan::Action::kWait, {awaited, {}, false},
                  fmt::format("node {} shall vote and has not caught up with the quorum", awaited));
  }

  void remove_surplus() {
    const QuorumReplica* surplus = nullptr;
    for (const QuorumReplica& voter : quorum_.voters)
      if (!contains(plan_.wanted, voter.id) && (!surplus || surplus->id == quorum_.leader))
        surplus = &voter;
    if (surplus) remove(*surplus, "others vote instead");
  }

  const Quorum& quorum_;
  VoterPlan plan_;
};

}  // namespace

const QuorumReplica* Quorum::voter(int64_t id) const {
  auto found =
      std::find_if(voters.begin(), voters.end(), [&](auto& each) { return each.id == id; });
  return found == voters.end() ? nullptr : &*found;
}

const QuorumReplica* Quorum::current_observer(int64_t id) const {
  auto found = std::find_if(observers.begin(), observers.end(),
                            [&](auto& each) { return each.id == id && each.current; });
  return found == observers.end() ? nullptr : &*found;
}

size_t voters_wanted(size_t nodes) {
  if (nodes < 3) return std::min<size_t>(nodes, 1);
  return nodes < 5 ? 3 : 5;
}

std::vector<int64_t> choose_voters(const std::vector<VoterNode>& nodes, const Quorum& quorum) {
  std::map<std::string, std::pair<size_t, size_t>> zones;  // to (how many vote, place in the order)
  for (const VoterNode& node : nodes) zones.emplace(node.zone, std::pair(0, zones.size()));
  std::vector<int64_t> chosen;
  size_t wanted = voters_wanted(nodes.size());
  auto rank = [&](const VoterNode& node) {
    auto [voters, place] = zones[node.zone];
    return std::tuple(contains(chosen, node.id), voters, !quorum.voter(node.id),
                      node.id != quorum.leader, place, node.id);
  };
  while (chosen.size() < wanted) {
    auto best = std::min_element(nodes.begin(), nodes.end(),
                                 [&](auto& a, auto& b) { return rank(a) < rank(b); });
    chosen.push_back(best->id);
    ++zones[best->zone].first;
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

VoterPlan plan_voters(const std::vector<VoterNode>& nodes, const Quorum& quorum) {
  return Planner(nodes, quorum).run();
}

std::string to_string(const VoterPlan& plan) {
  std::string end = fmt::format("in the end {}", fmt::join(plan.wanted, ", "));
  auto change = [&](const char* verb) {
    return fmt::format("{} {} ({}): {}; {}", verb, plan.replica.id,
                       plan.replica.directory.to_string(), plan.why, end);
  };
  switch (plan.action) {
    case VoterPlan::Action::kAdd:
      return change("add");
    case VoterPlan::Action::kRemove:
      return change("remove");
    case VoterPlan::Action::kWait:
      return fmt::format("wait: {}; {}", plan.why, end);
    case VoterPlan::Action::kNone:
      break;
  }
  return fmt::format("as wanted: {}", fmt::join(plan.wanted, ", "));
}

}  // namespace longhaul::op::plan
