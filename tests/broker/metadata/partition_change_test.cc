// A case a line: what a partition is, what happens, what it becomes.
#include "broker/metadata/partition_change.h"

#include <gtest/gtest.h>

#include <set>

#include "broker/metadata/delta.h"

namespace longhaul::broker::metadata {
namespace {

using Ids = std::vector<int32_t>;

constexpr int32_t kNone = kNoLeader;

/// What is checked of a partition.
struct State {
  Ids replicas, isr;
  int32_t leader = kNone;
  Ids elr = {}, last = {}, removing = {}, adding = {};
  int8_t recovery = kRecovered;
  bool operator==(const State&) const = default;
};

std::ostream& operator<<(std::ostream& out, const State& state) {
  auto list = [&](const char* name, const Ids& ids) {
    out << name << "[";
    for (int32_t id : ids) out << id << " ";
    out << "] ";
  };
  list("replicas", state.replicas), list("isr", state.isr), list("elr", state.elr);
  list("last", state.last), list("removing", state.removing), list("adding", state.adding);
  return out << "leader " << state.leader << " recovery " << int{state.recovery};
}

Partition partition_of(const State& state) {
  Partition partition;
  partition.replicas = state.replicas;
  partition.isr = state.isr;
  partition.leader = state.leader;
  partition.elr = state.elr;
  partition.last_known_elr = state.last;
  partition.removing = state.removing;
  partition.adding = state.adding;
  partition.leader_recovery_state = state.recovery;
  partition.leader_epoch = 5;
  partition.partition_epoch = 10;
  for (int32_t id : state.replicas) {
    base::Uuid directory;
    directory.bytes[0] = static_cast<uint8_t>(id);
    partition.directories.push_back(directory);
  }
  return partition;
}

State state_of(const Partition& partition) {
  return {partition.replicas,       partition.isr,
          partition.leader,         partition.elr,
          partition.last_known_elr, partition.removing,
          partition.adding,         partition.leader_recovery_state};
}

/// The partition after the record, by way of the delta.
Partition after(const Partition& before, const std::optional<protocol::PartitionChangeRecord>& to) {
  if (!to) return before;
  auto image = std::make_shared<MetadataImage>();
  auto topic = std::make_shared<Topic>();
  topic->partitions.push_back(std::make_shared<const Partition>(before));
  image->topics = image->topics.with({}, topic);
  MetadataDelta delta(image);
  EXPECT_TRUE(delta.apply(*to, 0));
  return *(*delta.finish({1, 1}, 0))->topic(base::Uuid{})->partition(0);
}

enum class LeaderEpoch { kStays, kRises };
constexpr auto kStays = LeaderEpoch::kStays;
constexpr auto kRises = LeaderEpoch::kRises;

struct Rules {
  Election election = Election::kClean;
  bool elr = false;
  int32_t min_isr = 1;
};
constexpr Rules kUsual{};
constexpr Rules kPreferred{Election::kPreferred};
constexpr Rules kUncleanAllowed{Election::kUnclean};
constexpr Rules kElr2{Election::kClean, true, 2};
constexpr Rules kElr3{Election::kClean, true, 3};

struct Case {
  const char* what;
  State before;
  std::set<int32_t> alive;
  Rules rules;
  std::function<void(PartitionTarget&)> want;
  State expected;
  LeaderEpoch epoch = kStays;
  Ids lost;
};

std::function<void(PartitionTarget&)> isr(Ids ids) {
  return [ids](PartitionTarget& target) { target.isr = ids; };
}
std::function<void(PartitionTarget&)> reassign(Ids replicas, Ids adding, Ids removing) {
  return [=](PartitionTarget& target) {
    target.replicas = replicas;
    target.adding = adding;
    target.removing = removing;
  };
}
void nothing(PartitionTarget&) {}

void check_case(const Case& c) {
  SCOPED_TRACE(c.what);
  Partition before = partition_of(c.before);
  PartitionRules rules;
  rules.may_lead = [&](int32_t id) { return c.alive.contains(id); };
  rules.lost = [&](int32_t id) { return holds(c.lost, id); };
  rules.directory = [](int32_t id) {
    base::Uuid fresh;
    fresh.bytes[1] = static_cast<uint8_t>(id);
    return fresh;
  };
  rules.election = c.rules.election;
  rules.elr = c.rules.elr;
  rules.min_insync_replicas = c.rules.min_isr;
  PartitionTarget target = PartitionTarget::of(before);
  c.want(target);
  auto record = partition_change({}, 0, before, target, rules);
  Partition now = after(before, record);
  EXPECT_EQ(state_of(now), c.expected);
  EXPECT_EQ(now.partition_epoch, record ? 11 : 10);
  EXPECT_EQ(record.has_value(), !(c.before == c.expected) || c.epoch == kRises);
  EXPECT_EQ(now.leader_epoch, c.epoch == kRises ? 6 : 5);
  ASSERT_EQ(now.directories.size(), now.replicas.size());
  for (size_t i = 0; i < now.replicas.size(); ++i) {
    bool old = holds(before.replicas, now.replicas[i]);
    EXPECT_EQ(now.directories[i].bytes[old ? 0 : 1], now.replicas[i]);
  }
  // What has become is stable.
  PartitionTarget again = PartitionTarget::of(now);
  std::erase_if(again.isr, [&](int32_t id) { return !c.alive.contains(id); });
  EXPECT_FALSE(partition_change({}, 0, now, again, rules));
}

TEST(PartitionChange, Leaders) {
  const Ids r{1, 2, 3};
  const std::vector<Case> cases = {
      {"all is well", {r, r, 1}, {1, 2, 3}, kUsual, nothing, {r, r, 1}},
      {"a follower falls out", {r, r, 1}, {1, 2, 3}, kUsual, isr({1, 2}), {r, {1, 2}, 1}},
      {"a follower comes back", {r, {1, 2}, 1}, {1, 2, 3}, kUsual, isr({1, 2, 3}), {r, r, 1}},
      {"the leader goes", {r, r, 1}, {2, 3}, kUsual, isr({2, 3}), {r, {2, 3}, 2}, kRises},
      {"by the order of replicas",
       {{3, 1, 2}, {2, 1, 3}, 3},
       {1, 2},
       kUsual,
       isr({2, 1}),
       {{3, 1, 2}, {2, 1}, 1},
       kRises},
      {"never one out of sync", {r, {1, 3}, 1}, {2, 3}, kUsual, isr({3}), {r, {3}, 3}, kRises},
      {"the last one goes, and stays in the ISR",
       {r, {1}, 1},
       {2, 3},
       kUsual,
       isr({}),
       {r, {1}, kNone},
       kRises},
      {"others do not help", {r, {1}, kNone}, {2, 3}, kUsual, isr({}), {r, {1}, kNone}},
      {"the last one is back", {r, {1}, kNone}, {1, 2}, kUsual, nothing, {r, {1}, 1}, kRises},
      {"a leader stays though it is not preferred",
       {r, r, 2},
       {1, 2, 3},
       kUsual,
       nothing,
       {r, r, 2}},
  };
  for (const Case& c : cases) check_case(c);
}

TEST(PartitionChange, PreferredAndUncleanLeaders) {
  const Ids r{1, 2, 3};
  const std::vector<Case> cases = {
      {"preferred", {r, r, 2}, {1, 2, 3}, kPreferred, nothing, {r, r, 1}, kRises},
      {"preferred, but out of sync",
       {r, {2, 3}, 3},
       {1, 2, 3},
       kPreferred,
       nothing,
       {r, {2, 3}, 3}},
      {"preferred, but away", {r, r, 2}, {2, 3}, kPreferred, isr({2, 3}), {r, {2, 3}, 2}},
      {"unclean is not needed",
       {r, {1, 2}, 1},
       {2, 3},
       kUncleanAllowed,
       isr({2}),
       {r, {2}, 2},
       kRises},
      {"unclean",
       {r, {1}, 1},
       {2, 3},
       kUncleanAllowed,
       isr({}),
       {r, {2}, 2, {}, {}, {}, {}, kRecovering},
       kRises},
      {"unclean, later",
       {r, {1}, kNone},
       {3},
       kUncleanAllowed,
       isr({}),
       {r, {3}, 3, {}, {}, {}, {}, kRecovering},
       kRises},
      {"unclean, but nobody is alive",
       {r, {1}, 1},
       {},
       kUncleanAllowed,
       isr({}),
       {r, {1}, kNone},
       kRises},
      {"recovered",
       {r, {3}, 3, {}, {}, {}, {}, kRecovering},
       {1, 2, 3},
       kUsual,
       [](PartitionTarget& t) { t.leader_recovery_state = kRecovered; },
       {r, {3}, 3}},
  };
  for (const Case& c : cases) check_case(c);
}

TEST(PartitionChange, EligibleLeaderReplicas) {
  const Ids r{1, 2, 3};
  const std::vector<Case> cases = {
      {"enough in sync: none", {r, r, 1}, {1, 2}, kElr2, isr({1, 2}), {r, {1, 2}, 1}},
      {"too few: who leaves is eligible", {r, {1, 2}, 1}, {1}, kElr2, isr({1}), {r, {1}, 1, {2}}},
      {"the last one too",
       {r, {1}, 1, {2}},
       {},
       kElr2,
       isr({}),
       {r, {}, kNone, {2, 1}, {1}},
       kRises},
      {"an eligible one leads",
       {r, {}, kNone, {2, 1}, {1}},
       {2},
       kElr2,
       isr({}),
       {r, {2}, 2, {1}},
       kRises},
      {"at once, if it is there",
       {r, {1}, 1, {2}},
       {2, 3},
       kElr2,
       isr({}),
       {r, {2}, 2, {1}},
       kRises},
      {"one that is not eligible does not",
       {r, {}, kNone, {2, 1}, {1}},
       {3},
       kElr2,
       isr({}),
       {r, {}, kNone, {2, 1}, {1}}},
      {"enough again", {r, {1}, 1, {2}}, {1, 2, 3}, kElr2, isr({1, 3}), {r, {1, 3}, 1}},
      {"not yet enough", {r, {1}, 1, {2, 3}}, {1, 2, 3}, kElr3, isr({1, 3}), {r, {1, 3}, 1, {2}}},
      {"no more than there are replicas",
       {{1, 2}, {1, 2}, 1},
       {1, 2},
       kElr3,
       nothing,
       {{1, 2}, {1, 2}, 1}},
      {"with one in sync enough",
       {r, {1}, 1},
       {},
       {Election::kClean, true, 1},
       isr({}),
       {r, {}, kNone, {1}, {1}},
       kRises},
      {"with one in sync enough, back",
       {r, {}, kNone, {1}, {1}},
       {1},
       {Election::kClean, true, 1},
       isr({}),
       {r, {1}, 1},
       kRises},
  };
  for (const Case& c : cases) check_case(c);
}

TEST(PartitionChange, EligibleLeaderReplicasThatLostSomething) {
  const Ids r{1, 2, 3};
  const std::vector<Case> cases = {
      {"it lost its memory", {r, {1}, 1, {2}}, {1}, kElr2, isr({1}), {r, {1}, 1}, kStays, {2}},
      {"the last leader lost its memory",
       {r, {1}, 1},
       {},
       kElr2,
       isr({}),
       {r, {}, kNone, {}, {1}},
       kRises,
       {1}},
      {"and leads again: nobody has more",
       {r, {}, kNone, {}, {1}},
       {1, 2},
       kElr2,
       isr({}),
       {r, {1}, 1, {}, {}, {}, {}, kRecovering},
       kRises},
      {"it does not if an eligible one may come",
       {r, {}, kNone, {2}, {1}},
       {1, 3},
       kElr2,
       isr({}),
       {r, {}, kNone, {2}, {1}}},
      {"unclean, if that is allowed",
       {r, {}, kNone, {2}, {1}},
       {3},
       {Election::kUnclean, true, 2},
       isr({}),
       {r, {3}, 3, {}, {}, {}, {}, kRecovering},
       kRises},
      {"the feature was taken away", {r, {1}, 1, {2}, {}}, {1, 2}, kUsual, nothing, {r, {1}, 1}},
  };
  for (const Case& c : cases) check_case(c);
}

TEST(PartitionChange, Reassignments) {
  const Ids both{4, 1, 2, 3};  // 4 takes the place of 3
  const std::set<int32_t> all{1, 2, 3, 4};
  const std::vector<Case> cases = {
      {"begins",
       {{1, 2, 3}, {1, 2, 3}, 1},
       all,
       kUsual,
       reassign(both, {4}, {3}),
       {both, {1, 2, 3}, 1, {}, {}, {3}, {4}}},
      {"goes on",
       {both, {1, 2, 3}, 1, {}, {}, {3}, {4}},
       all,
       kUsual,
       isr({1, 2}),
       {both, {1, 2}, 1, {}, {}, {3}, {4}}},
      {"is complete",
       {both, {1, 2, 3}, 1, {}, {}, {3}, {4}},
       all,
       kUsual,
       isr({1, 2, 3, 4}),
       {{4, 1, 2}, {1, 2, 4}, 1},
       kRises},
      {"takes the lead away",
       {both, {1, 2, 3}, 3, {}, {}, {3}, {4}},
       all,
       kUsual,
       isr({1, 2, 3, 4}),
       {{4, 1, 2}, {1, 2, 4}, 4},
       kRises},
  };
  for (const Case& c : cases) check_case(c);
}

TEST(PartitionChange, ReassignmentsThatAddOrRemoveOnly) {
  const std::set<int32_t> all{1, 2, 3, 4};
  const std::vector<Case> cases = {
      {"only adds",
       {{1, 2, 3}, {1, 2}, 1, {}, {}, {}, {3}},
       all,
       kUsual,
       isr({1, 2, 3}),
       {{1, 2, 3}, {1, 2, 3}, 1}},
      {"only removes: at once",
       {{1, 2, 3}, {1, 2, 3}, 1},
       all,
       kUsual,
       reassign({1, 2, 3}, {}, {3}),
       {{1, 2}, {1, 2}, 1},
       kRises},
      {"does not remove the last in sync",
       {{1, 2, 3}, {3}, 3},
       all,
       kUsual,
       reassign({1, 2, 3}, {}, {3}),
       {{1, 2, 3}, {3}, 3, {}, {}, {3}}},
      {"does not remove while one that stays is out of sync",
       {{1, 2, 3}, {1, 3}, 3},
       all,
       kUsual,
       reassign({1, 2, 3}, {}, {3}),
       {{1, 2, 3}, {1, 3}, 3, {}, {}, {3}}},
      {"does not add alone: an old one is out of sync",
       {{1, 2, 3, 4}, {1, 2}, 1, {}, {}, {}, {4}},
       all,
       kUsual,
       isr({1, 2, 4}),
       {{1, 2, 3, 4}, {1, 2, 4}, 1, {}, {}, {}, {4}}},
      {"does not remove while nobody that stays could lead",
       {{1, 2}, {1}, kNone},
       {2},
       kUsual,
       reassign({1, 2}, {}, {2}),
       {{1, 2}, {1}, kNone, {}, {}, {2}}},
      {"removes when it is back",
       {{1, 2}, {1}, kNone, {}, {}, {2}},
       {1, 2},
       kUsual,
       nothing,
       {{1}, {1}, 1},
       kRises},
      {"only another order",
       {{1, 2, 3}, {1, 2, 3}, 1},
       all,
       kUsual,
       reassign({2, 1, 3}, {}, {}),
       {{2, 1, 3}, {1, 2, 3}, 1}},
      {"a removed one is not eligible",
       {{1, 2, 3}, {1, 2}, 1, {3}, {}, {}, {}},
       all,
       kElr3,
       reassign({1, 2, 3}, {}, {3}),
       {{1, 2}, {1, 2}, 1},
       kRises},
  };
  for (const Case& c : cases) check_case(c);
}

TEST(PartitionChange, ADirectoryAloneIsAChange) {
  Partition before = partition_of({{1, 2}, {1, 2}, 1});
  PartitionRules rules;
  rules.may_lead = [](int32_t) { return true; };
  PartitionTarget target = PartitionTarget::of(before);
  target.directories[1].bytes[3] = 9;
  auto record = partition_change({}, 0, before, target, rules);
  ASSERT_TRUE(record);
  protocol::PartitionChangeRecord expected;
  expected.partition_id = 0;
  expected.directories = target.directories;
  EXPECT_EQ(*record, expected);
}

}  // namespace
}  // namespace longhaul::broker::metadata
