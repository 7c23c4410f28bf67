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
  /// "1001 1002* 1003?": 1002 is outdated, 1003 not ready; "1003!" is stuck, "1003+" has begun
  const char* brokers;
  const char* voters;  // the first one leads; empty: nobody can be asked
  std::vector<int32_t> in_sync;
  const char* plan;
  const char* unregistered = "";
};

std::vector<RollBroker> roll_brokers(const std::string& text) {
  std::vector<RollBroker> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    auto has = [&](char c) { return word.find(c) != word.npos; };
    Health health = has('!') ? Health::kStuck : has('?') ? Health::kUnready : Health::kReady;
    out.push_back({std::stoll(word), health, has('*'), has('+')});
  }
  return out;
}

base::Result<RollEvidence> roll_evidence(const RollCase& given,
                                         const std::vector<RollBroker>& brokers) {
  RollEvidence evidence;
  evidence.quorum.voters = replicas(given.voters);
  if (evidence.quorum.voters.empty()) return base::fail(base::Errc::kTimedOut, "nobody answers");
  evidence.quorum.leader = evidence.quorum.voters[0].id;
  Partition partition{"orders", 0, {}, given.in_sync, 2};
  for (const RollBroker& broker : brokers) {
    auto id = static_cast<int32_t>(broker.id);
    partition.replicas.push_back(id);
    if (std::to_string(id) != given.unregistered) evidence.brokers.push_back(id);
  }
  evidence.partitions.push_back(partition);
  return evidence;
}

void expect_plans(const std::vector<RollCase>& cases) {
  for (const RollCase& each : cases) {
    std::vector<RollBroker> brokers = roll_brokers(each.brokers);
    EXPECT_EQ(to_string(plan_roll(brokers, roll_evidence(each, brokers))), each.plan)
        << each.brokers;
  }
}

TEST(RollTest, NextRestart) {
  const std::vector<RollCase> cases = {
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
      {"1001* 1002 1003*",
       "1001 1002 1003",
       {1001, 1002, 1003},
       "wait: before broker 1003 is restarted: broker 1002 is not registered",
       "1002"},
      // A broker that votes not, and is gone since a moment ago.
      {"1001* 1002 1003 1004",
       "1001 1002 1003",
       {1001, 1002, 1003, 1004},
       "wait: before broker 1001 is restarted: broker 1004 has not caught up with the metadata "
       "quorum"},
      // Whose turn has begun goes on; whose turn it is not mends what hinders the others.
      {"1001* 1002* 1003*+", "1001 1002 1003", {1001, 1002, 1003}, "restart 1003"},
      {"1001* 1002* 1003*", "1001 1002 1003", {1002, 1003}, "restart 1001"},
  };
  expect_plans(cases);
}

TEST(RollTest, BrokersThatDoNotWork) {
  const std::vector<RollCase> cases = {
      // One that is not ready still counts where it is in sync and where it votes.
      {"1001? 1002*? 1003*",
       "1003 1002 1001?",
       {1002, 1003},
       "wait: before broker 1002 is restarted: broker 1001 has the new configuration and is not "
       "ready"},
      {"1001*? 1002*? 1003*", "1003 1002 1001?", {1002, 1003}, "restart 1001"},
      {"1001 1002*? 1003* 1004?",
       "1003 1002? 1001",
       {1002, 1003},
       "wait: before broker 1002 is restarted: partition orders-0 would have 1 in-sync replicas of "
       "the 2 it needs"},
      {"1001 1002*? 1003* 1004?",
       "1003 1002 1001?",
       {1003},
       "wait: before broker 1002 is restarted: the metadata quorum would lose its majority"},
      {"1001 1002*! 1003* 1004?", "1003 1002? 1001?", {1003}, "restart 1002"},
      // The new configuration does not work: nobody else gets it, whatever crashes.
      {"1001? 1002*! 1003*",
       "1003 1002? 1001",
       {1003, 1001},
       "wait: before broker 1002 is restarted: broker 1001 has the new configuration and is not "
       "ready"},
      {"1001*! 1002*! 1003*", "1003 1002? 1001?", {1003}, "restart 1001"},
      // Nobody can be asked.
      {"1001* 1002* 1003*", "", {}, "wait: before broker 1001 is restarted: nobody answers"},
      {"1001*? 1002* 1003*", "", {}, "wait: before broker 1001 is restarted: nobody answers"},
      {"1001*? 1002*! 1003*?", "", {}, "restart 1002"},
      {"1001*? 1002! 1003*?",
       "",
       {},
       "wait: before broker 1001 is restarted: broker 1002 has the new configuration and is not "
       "ready"},
      {"1001*! 1002? 1003*?", "", {}, "restart 1001"},
      {"1001*! 1002! 1003*?",
       "",
       {},
       "wait: before broker 1001 is restarted: broker 1002 has the new configuration and is not "
       "ready"},
      {"1001*?", "", {}, "restart 1001"},
  };
  expect_plans(cases);
}

TEST(RollTest, WhatStandsStillIsSaid) {
  std::vector<RollBroker> brokers = roll_brokers("1001* 1002*");
  RollEvidence evidence;
  evidence.brokers = {1001, 1002};
  evidence.quorum = {1001, replicas("1001 1002"), {}};
  evidence.partitions = {{"a", 0, {1002}, {1002}, 1},
                         {"b", 0, {1001, 1002}, {1001, 1002}, 2},
                         {"c", 0, {1001, 1002}, {1001, 1002}, 1},
                         {"d", 0, {1001}, {1001}, 1}};
  RollPlan plan = plan_roll(brokers, evidence);
  EXPECT_EQ(to_string(plan), "restart 1002");
  EXPECT_EQ(plan.remaining, (std::vector<int64_t>{1001, 1002}));
  EXPECT_EQ(plan.gap,
            "the metadata quorum has no majority, partition a-0 and 1 more cannot be written with "
            "all acknowledgements: replicas 1, min.insync.replicas 1");
  evidence.quorum = {1001, replicas("1001"), replicas("1002")};
  evidence.partitions.erase(evidence.partitions.begin(), evidence.partitions.begin() + 2);
  EXPECT_EQ(plan_roll(brokers, evidence).gap, "");
}

}  // namespace
}  // namespace longhaul::op::plan
