// Planners: tables of what is observed, and the plans as they print themselves.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <sstream>

#include "operator/plan/roll.h"
#include "operator/plan/voters.h"

namespace longhaul::op::plan {
namespace {

/// "1001/a 1002/b"
std::vector<VoterNode> nodes(const std::string& text) {
  std::vector<VoterNode> out;
  std::istringstream words(text);
  for (std::string word; words >> word;)
    out.push_back({std::stoll(word), word.substr(word.find('/') + 1)});
  return out;
}

/// "1001 1002?": the last is not current; "1001'" is node 1001 with another disk.
std::vector<QuorumReplica> replicas(const std::string& text) {
  std::vector<QuorumReplica> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    base::Uuid directory;
    directory.bytes[15] = word.find('\'') == word.npos ? 1 : 2;
    out.push_back({std::stoll(word), directory, word.find('?') == word.npos});
  }
  return out;
}

struct VoterCase {
  const char* nodes;
  const char* voters;  // the first one leads
  const char* observers;
  const char* plan;
};

TEST(VotersTest, NextChange) {
  const char* kThree = "1001/a 1002/b 1003/c";
  const char* kFive = "1001/a 1002/b 1003/c 1004/a 1005/b";
  const VoterCase cases[] = {
      // How many.
      {"1001/a", "1001", "", "as wanted: 1001"},
      {"1001/a 1002/b", "1001", "1002", "as wanted: 1001"},
      {kThree, "1001 1002 1003", "", "as wanted: 1001, 1002, 1003"},
      {"1001/a 1002/b 1003/c 1004/a", "1001 1002 1003", "1004", "as wanted: 1001, 1002, 1003"},
      // Growth, one at a time.
      {kThree, "1001", "1002 1003", "add 1002: it has caught up; in the end 1001, 1002, 1003"},
      {kThree, "1001 1002", "1003", "add 1003: it has caught up; in the end 1001, 1002, 1003"},
      {kThree, "1001", "1002 1003?",
       "wait: node 1003 shall vote and has not caught up with the quorum; "
       "in the end 1001, 1002, 1003"},
      {kThree, "1001", "",
       "wait: node 1002 shall vote and has not caught up with the quorum; "
       "in the end 1001, 1002, 1003"},
      {kFive, "1001 1002 1003", "1004 1005",
       "add 1004: it has caught up; in the end 1001, 1002, 1003, 1004, 1005"},
      {kFive, "1001 1002 1003?", "1004 1005",
       "add 1004: it has caught up; in the end 1001, 1002, 1003, 1004, 1005"},
      // Zones first, then who votes already.
      {"1001/a 1002/a 1003/a 1004/b", "1002 1001 1003", "1004",
       "add 1004: it has caught up; in the end 1001, 1002, 1004"},
      {"1001/a 1002/a 1003/a 1004/b", "1002 1001 1003 1004", "",
       "remove 1003: others vote instead; in the end 1001, 1002, 1004"},
      {"1001/a 1002/a 1003/a 1004/b", "1003 1001 1002 1004", "",
       "remove 1002: others vote instead; in the end 1001, 1003, 1004"},
      {"1001/a 1002/a 1003/b 1004/b 1005/c 1006/c", "1004 1002 1006", "1001 1003 1005",
       "add 1001: it has caught up; in the end 1001, 1002, 1003, 1004, 1006"},
      // A lost disk.
      {kThree, "1001 1002 1003?", "1003'",
       "remove 1003: node 1003 runs with another disk; in the end 1001, 1002, 1003"},
      {kThree, "1001 1002 1003", "1003'",
       "wait: node 1003 runs with another disk than lately; in the end 1001, 1002, 1003"},
      {kThree, "1001 1002", "1003'", "add 1003: it has caught up; in the end 1001, 1002, 1003"},
      {kThree, "1001 1002? 1003?", "1003'",
       "wait: without voter 1003 too few of the others have caught up; in the end 1001, 1002, "
       "1003"},
      {kFive, "1001 1002 1003 1004? 1005?", "1004' 1005'",
       "remove 1004: node 1004 runs with another disk; in the end 1001, 1002, 1003, 1004, 1005"},
      {kThree, "1001 1002 1003?", "", "as wanted: 1001, 1002, 1003"},
      // Nodes that are gone.
      {kThree, "1001 1002 1003 1004 1005", "",
       "remove 1004: others vote instead; in the end 1001, 1002, 1003"},
      {kThree, "1005 1001 1002 1003", "",
       "remove 1005: others vote instead; in the end 1001, 1002, 1003"},
      {kThree, "1001 1002? 1003 1004 1005", "",
       "wait: without voter 1004 too few of the others have caught up; in the end 1001, 1002, "
       "1003"},
  };
  for (const VoterCase& each : cases) {
    Quorum quorum;
    quorum.voters = replicas(each.voters);
    quorum.leader = quorum.voters[0].id;
    quorum.observers = replicas(each.observers);
    VoterPlan plan = plan_voters(nodes(each.nodes), quorum);
    std::string text = to_string(plan);
    std::string directory = " (" + plan.replica.directory.to_string() + ")";
    if (size_t at = text.find(directory); at != text.npos) text.erase(at, directory.size());
    EXPECT_EQ(text, each.plan) << each.nodes << " | " << each.voters << " | " << each.observers;
  }
}

TEST(VotersTest, FromOneToFiveWithoutEverLosingTheMajority) {
  std::vector<VoterNode> all = nodes("1001/a 1002/a 1003/a 1004/b 1005/c 1006/c");
  Quorum quorum{1001, replicas("1001"), replicas("1002 1003 1004 1005 1006")};
  std::string seen;
  for (VoterPlan plan = plan_voters(all, quorum); plan.action != VoterPlan::Action::kNone;
       plan = plan_voters(all, quorum)) {
    ASSERT_EQ(plan.action, VoterPlan::Action::kAdd) << to_string(plan);
    seen += fmt::format("{} ", plan.replica.id);
    quorum.voters.push_back(plan.replica);
    std::erase_if(quorum.observers, [&](auto& each) { return each.id == plan.replica.id; });
    ASSERT_LT(quorum.voters.size(), 7u);
  }
  EXPECT_EQ(seen, "1002 1004 1005 1006 ");
}

struct RollCase {
  const char* brokers;  // "1001 1002* 1003?": 1002 is outdated, 1003 not ready
  const char* voters;   // the first one leads
  std::vector<int32_t> in_sync;
  const char* plan;
};

TEST(RollTest, NextRestart) {
  const RollCase cases[] = {
      {"1001 1002 1003", "1001 1002 1003", {1001, 1002, 1003}, "nothing to restart"},
      {"1001* 1002* 1003*", "1001 1002 1003", {1001, 1002, 1003}, "restart 1002"},
      {"1001* 1002 1003", "1001 1002 1003", {1001, 1002, 1003}, "restart 1001"},
      {"1001* 1002*? 1003*", "1001 1002 1003", {1001, 1003}, "restart 1002"},
      {"1001* 1002? 1003*",
       "1001 1002 1003",
       {1001, 1002, 1003},
       "wait: before broker 1003 is restarted: broker 1002 is not ready"},
      {"1001* 1002 1003*",
       "1001 1002 1003",
       {1001, 1003},
       "wait: before broker 1003 is restarted: partition orders-0: broker 1002 is not in sync"},
      {"1001* 1002* 1003", "1001 1002 1003", {1001, 1003}, "restart 1002"},
      {"1001* 1002 1003*",
       "1001 1002? 1003",
       {1001, 1002, 1003},
       "wait: before broker 1003 is restarted: voter 1002 has not caught up with the metadata "
       "quorum"},
      {"1001*", "1001", {1001}, "restart 1001"},
  };
  for (const RollCase& each : cases) {
    std::vector<RollBroker> brokers;
    std::istringstream words(each.brokers);
    for (std::string word; words >> word;)
      brokers.push_back({std::stoll(word), word.find('*') != word.npos, word.back() != '?'});
    RollEvidence evidence;
    evidence.quorum.voters = replicas(each.voters);
    evidence.quorum.leader = evidence.quorum.voters[0].id;
    Partition partition{"orders", 0, {}, each.in_sync};
    for (const RollBroker& broker : brokers)
      partition.replicas.push_back(static_cast<int32_t>(broker.id));
    evidence.partitions.push_back(partition);
    EXPECT_EQ(to_string(plan_roll(brokers, evidence)), each.plan) << each.brokers;
  }
}

}  // namespace
}  // namespace longhaul::op::plan
