#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/broker/replication/replica_set.h"

namespace longhaul::broker::replication {
namespace {

/// All machines lose their power at once.
void crash_all(ReplicaSet& set) {
  ++set.counts["losses of all power"];
  for (int32_t id = 1; id <= ReplicaSet::kBrokers; ++id) {
    if (set.is_up(id)) set.crash(id, base::CrashMode::kTorn);
  }
}

/// Something goes wrong. Never so much that the promise would not hold: with Kafka's, whoever loses
/// its disk's cache is not the only one in sync.
void harm(ReplicaSet& set) {
  auto id = static_cast<int32_t>(1 + set.simulation.random().below(ReplicaSet::kBrokers));
  auto other = static_cast<int32_t>(1 + set.simulation.random().below(ReplicaSet::kBrokers));
  bool alone = !set.on_disk && set.is_in_sync(id) && set.isr_size() == 1;
  if (set.on_disk && set.simulation.chance(20)) return crash_all(set);
  switch (set.simulation.random().below(6)) {
    case 0:
      if (set.is_up(id) && !alone) set.crash(id, base::CrashMode::kLoseUnsynced);
      return;
    case 1:
      if (set.is_up(id) && !alone) set.crash(id, base::CrashMode::kTorn);
      return;
    case 2:
      if (set.is_up(id)) set.crash(id, base::CrashMode::kKeepAll);
      return;
    case 3:
      if (id != other) set.cut(id, other, set.simulation.some_delay(200ms));
      return;
    case 4:
      return set.prefer(id);
    default:
      set.start(id);
      return;
  }
}

void run(uint64_t seed, bool on_disk, std::map<std::string, int>& counts) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  ReplicaSet set(seed, on_disk);
  for (int i = 0; i < 2000; ++i) {
    set.simulation.run_for(set.simulation.some_delay(2ms));
    if (i / 100 % 4 > 0) set.produce();  // in between the lead moves without a record
    if (set.simulation.chance(2)) harm(set);
    if (set.simulation.chance(2)) {
      set.start(static_cast<int32_t>(1 + set.simulation.random().below(ReplicaSet::kBrokers)));
    }
    if (testing::Test::HasFailure()) return;
  }
  set.heal();
  for (int32_t id = 1; id <= ReplicaSet::kBrokers; ++id) set.start(id);
  bool settled = false;
  for (int i = 0; i < 3000 && !settled; ++i) {
    set.simulation.run_for(10ms);
    settled = set.has_settled();
  }
  ASSERT_TRUE(settled) << "the replicas do not come together:\n" << set.describe();
  set.check();
  for (const auto& [what, times] : set.counts) counts[what] += times;
  counts["acknowledged"] += static_cast<int>(set.acknowledged());
}

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : otherwise;
}

std::map<std::string, int> run_seeds(bool on_disk) {
  uint64_t first = from_environment("LONGHAUL_SIM_FIRST", 1);
  uint64_t seeds = from_environment("LONGHAUL_SIM_SEEDS", 20);
  std::map<std::string, int> counts;
  for (uint64_t seed = first; seed < first + seeds && !testing::Test::HasFailure(); ++seed) {
    run(seed, on_disk, counts);
  }
  for (const auto& [what, times] : counts) testing::Test::RecordProperty(what, times);
  return counts;
}

TEST(Replication, KeepsWhatItAcknowledged) {
  auto counts = run_seeds(false);
  for (const char* what :
       {"kills", "power failures", "cuts", "lost messages", "elections", "moves of the lead",
        "expansions", "shrinkings", "refused changes", "acknowledged"}) {
    EXPECT_GT(counts[what], 0) << "no seed had " << what;
  }
}

TEST(Replication, OnDiskItKeepsThatWhoeverLosesPower) {
  auto counts = run_seeds(true);
  for (const char* what : {"losses of all power", "power failures", "elections", "acknowledged"}) {
    EXPECT_GT(counts[what], 0) << "no seed had " << what;
  }
}

template <class Condition>
void wait_until(ReplicaSet& set, Condition condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) set.simulation.run_for(10ms);
  ASSERT_TRUE(condition()) << set.describe();
}

TEST(Replication, WhoWasAwayCatchesUpThoughTheLogGoesOnLosingItsBeginning) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    ReplicaSet set(seed);
    wait_until(set, [&] { return set.has_settled(); });
    int32_t away = set.leader() % ReplicaSet::kBrokers + 1;
    set.crash(away, base::CrashMode::kKeepAll);
    bool is_back = false;
    for (int i = 0; i < 600 && !is_back; ++i) {
      set.produce();
      set.simulation.run_for(5ms);
      log::Log& log = set.replica(set.leader())->log();
      ASSERT_TRUE(log.advance_log_start_offset(log.high_watermark()));
      if (i == 200) {
        ASSERT_FALSE(set.is_in_sync(away));
        ASSERT_GT(log.log_start_offset(), 0);
        set.start(away);
      }
      is_back = i > 200 && set.is_in_sync(away);
    }
    EXPECT_TRUE(is_back) << set.describe();
  }
}

TEST(Replication, WhoBeginsWithinABatchHasAllOfIt) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    ReplicaSet set(seed);
    wait_until(set, [&] { return set.has_settled(); });
    int32_t away = set.leader() % ReplicaSet::kBrokers + 1;
    set.crash(away, base::CrashMode::kKeepAll);
    wait_until(set, [&] { return !set.is_in_sync(away) && set.leader() > 0; });
    auto append = [&](int64_t end) {
      base::Bytes batch = log::make_batch({.count = 10});
      records::Codecs codecs;
      auto& partition = set.replica(set.leader())->partition();
      ASSERT_TRUE(
          partition.append(batch, {.acks_all = true, .now_ms = set.clock.wall_ms()}, codecs));
      wait_until(set, [&] { return partition.log()->high_watermark() == end; });
    };
    append(10);
    append(20);
    ASSERT_EQ(set.replica(set.leader())->partition().delete_records(14), 14);
    set.start(away);
    wait_until(set, [&] { return set.has_settled(); });
    append(30);
    log::Log& log = set.replica(away)->log();
    EXPECT_EQ(log.log_start_offset(), 14);
    EXPECT_EQ(log.first_base_offset(), 10);
    auto read = log.read({.offset = 14, .max_bytes = 1 << 20, .upper_bound = 20});
    ASSERT_TRUE(read);
    EXPECT_EQ(log::headers_of(*base::read_slice(read->slice)).at(0).base_offset, 10);
  }
}

TEST(Replication, AThrottleThatIsLiftedHoldsNobodyBack) {
  ReplicaSet set(1);
  wait_until(set, [&] { return set.has_settled(); });
  int32_t away = set.leader() % ReplicaSet::kBrokers + 1;
  set.crash(away, base::CrashMode::kKeepAll);
  wait_until(set, [&] { return !set.is_in_sync(away) && set.leader() > 0; });
  wait_until(set, [&] {
    set.produce();
    return set.acknowledged() > 0;
  });
  set.quota.set_rate(1);
  set.quota.count(1 << 20);  // for long
  set.start(away);
  set.simulation.run_for(60s);
  EXPECT_EQ(set.replica(away)->log().log_end_offset(), 0);
  set.quota.set_rate(partition::ReplicationQuota::kNoLimit);
  set.simulation.run_for(1s);
  EXPECT_TRUE(set.is_in_sync(away)) << set.describe();
}

// Else the one who sent it would be told that it is there already, should that replica ever lead.
TEST(Replication, WhatPartedBelowTheLeadersLogLeavesNoProducer) {
  for (int beyond : {0, 1}) {  // batches that only the old leader has
    SCOPED_TRACE(beyond);
    ReplicaSet set(1);
    wait_until(set, [&] { return set.has_settled(); });
    int32_t old = set.leader();
    for (int32_t id = 1; id <= ReplicaSet::kBrokers; ++id) set.cut(old, id, 1h);
    auto append = [&](const log::BatchSpec& spec) {
      base::Bytes batch = log::make_batch(spec);
      records::Codecs codecs;
      auto& partition = set.replica(old)->partition();
      EXPECT_TRUE(
          partition.append(batch, {.acks_all = true, .now_ms = set.clock.wall_ms()}, codecs));
    };
    append({.count = 2, .producer_id = 7, .producer_epoch = 0, .sequence = 0});
    for (int i = 0; i < beyond; ++i) append({});
    set.fence(old);
    wait_until(set, [&] { return !set.replica(old)->partition().is_leader(); });
    log::Log& log = set.replica(set.leader())->log();
    for (int i = 0; i < 1000 && log.log_end_offset() < 2; ++i) {
      set.produce();
      set.simulation.run_for(10ms);
    }
    wait_until(set, [&] { return log.high_watermark() == 2; });
    ASSERT_TRUE(log.advance_log_start_offset(log.log_end_offset()));
    set.crash(old, base::CrashMode::kKeepAll);
    set.heal();
    set.start(old);
    wait_until(set, [&] { return set.has_settled(); });
    EXPECT_EQ(set.replica(old)->log().log_start_offset(), log.log_end_offset());
    EXPECT_TRUE(set.replica(old)->log().producers().empty());
  }
}

}  // namespace
}  // namespace longhaul::broker::replication
