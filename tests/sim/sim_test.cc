// Whole nodes under work and crashes, a run a seed. docs/simulation.md tells how to replay one.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "tests/sim/scenario.h"
#include "tests/sim/setup.h"

namespace longhaul::sim {
namespace {

constexpr uint64_t kSeeds = 6;
constexpr uint64_t kEnoughForAll = 12;  // seeds, for each kind of fault to occur

std::optional<uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

std::string findings_of(Scenario& scenario) {
  std::string text;
  for (const std::string& each : scenario.world().findings.all()) text += each + "\n";
  return text;
}

/// Adds what happened to `counts`.
void expect_good_run(uint64_t seed, Trace::Keep keep, Counts& counts) {
  Scenario scenario(seed, keep, choose_shape(seed));
  scenario.run();
  for (const auto& [kind, count] : scenario.world().counts) counts[kind] += count;
  counts["acknowledged batches"] += scenario.history().acknowledged_count();
  EXPECT_EQ(findings_of(scenario), "") << "./dev sim --seed " << seed << " replays it";
  if (!scenario.world().findings.empty()) return;
  EXPECT_GT(scenario.history().acknowledged_count(), 0u);
  EXPECT_GT(scenario.restarts(), 0u);
  if (choose_shape(seed).nodes == 1) return;
  EXPECT_GE(scenario.faults(), 20u);
  EXPECT_GE(scenario.world().simulation.now(), std::chrono::seconds(60));
}

void print(const Counts& counts) {
  for (const auto& [kind, count] : counts) std::printf("%10" PRIu64 " %s\n", count, kind.c_str());
}

/// Runs one seed after the other until so many are over, or so much time has passed.
void expect_good_runs(uint64_t first, uint64_t count, std::chrono::seconds most) {
  auto begin = std::chrono::steady_clock::now();
  Counts counts;
  uint64_t done = 0;
  while (done < count && std::chrono::steady_clock::now() - begin < most) {
    expect_good_run(first + done++, Trace::Keep::kDigest, counts);
  }
  std::printf("seeds %" PRIu64 " to %" PRIu64 ":\n", first, first + done - 1);
  print(counts);
  if (done < kEnoughForAll) return;
  for (const std::string& kind : Nemesis::kinds()) EXPECT_GT(counts[kind], 0u) << kind;
}

TEST(SimulationTest, KeepsWhatItAcknowledged) {
  if (auto seed = number_from("LONGHAUL_SIM_SEED")) {
    Counts counts;
    expect_good_run(*seed, Trace::Keep::kPrint, counts);
    return print(counts);
  }
  auto minutes = number_from("LONGHAUL_SIM_MINUTES");
  expect_good_runs(number_from("LONGHAUL_SIM_FIRST").value_or(1),
                   number_from("LONGHAUL_SIM_SEEDS").value_or(minutes ? UINT64_MAX : kSeeds),
                   std::chrono::minutes(minutes.value_or(24 * 60)));
}

std::unique_ptr<Scenario> run_with_lines(uint64_t seed, const RegionShape& shape) {
  auto scenario = std::make_unique<Scenario>(seed, Trace::Keep::kLines, shape);
  scenario->run();
  return scenario;
}

void expect_the_same(Scenario& first, Scenario& second) {
  auto& lines = first.world().trace.lines();
  auto [a, b] = std::ranges::mismatch(lines, second.world().trace.lines());
  bool differs = a != lines.end() && b != second.world().trace.lines().end();
  EXPECT_FALSE(differs) << *a << "\nand then\n" << *b;
  EXPECT_EQ(first.world().trace.digest(), second.world().trace.digest());
  EXPECT_EQ(first.disk_digest(), second.disk_digest());
}

TEST(SimulationTest, IsTheSameForTheSameSeed) {
  auto first = run_with_lines(7, {});
  expect_the_same(*first, *run_with_lines(7, {}));
  auto other = run_with_lines(8, {});
  EXPECT_NE(first->world().trace.digest(), other->world().trace.digest());
  EXPECT_NE(first->disk_digest(), other->disk_digest());
}

TEST(SimulationTest, OfAnyShapeIsTheSameForTheSameSeed) {
  // 71 is one by whose long polls addresses once decided on an order.
  for (uint64_t seed : {5, 71}) {
    RegionShape shape = choose_shape(seed);
    expect_the_same(*run_with_lines(seed, shape), *run_with_lines(seed, shape));
  }
}

/// A broker that has worked for two seconds and has nothing under way.
std::unique_ptr<Scenario> worked() {
  auto scenario = std::make_unique<Scenario>(3, Trace::Keep::kDigest, RegionShape{});
  EXPECT_TRUE(scenario->start() && scenario->create_topics());
  scenario->connect_actors();
  scenario->work_for(std::chrono::seconds(2));
  scenario->rest();
  EXPECT_GT(scenario->history().acknowledged_count(), 50u);
  EXPECT_EQ(findings_of(*scenario), "");
  return scenario;
}

/// Flips a bit in the middle of the largest segment or snapshot of the log in this directory.
testing::AssertionResult rot(Scenario& scenario, const std::string& directory) {
  base::MemoryFileSystem& disk = scenario.host().disk();
  std::string largest;
  uint64_t size = 0;
  for (const char* log_dir : {"/a/", "/b/"}) {
    auto entries = disk.list(log_dir + directory);
    for (size_t i = 0; entries && i < entries->size(); ++i) {
      std::string path = log_dir + directory + "/" + (*entries)[i].name;
      auto content = base::read_file(disk, path, UINT32_MAX);
      bool is_data = path.ends_with(".log") || path.ends_with(".checkpoint");
      if (!is_data || !content || content->size() <= size) continue;
      largest = path;
      size = content->size();
    }
  }
  if (size > 0 && disk.flip_bit(largest, size / 2, 3)) return testing::AssertionSuccess();
  return testing::AssertionFailure() << directory << " holds nothing";
}

TEST(SimulationTest, NoticesALossThatNobodyOwnsUpTo) {
  auto scenario = worked();
  // What was acknowledged a moment ago is not on the disk yet, but for the topic that is flushed.
  scenario->connect_actors();
  size_t enough = scenario->history().acknowledged_count() + 10;
  EXPECT_TRUE(scenario->world().simulation.run_until_true(
      [&] { return scenario->history().acknowledged_count() >= enough; },
      std::chrono::seconds(10)));
  scenario->host().crash(base::CrashMode::kLoseUnsynced);  // and the scenario knows nothing of it
  EXPECT_FALSE(scenario->start() && scenario->audit());
  EXPECT_NE(findings_of(*scenario).find("is lost"), std::string::npos) << findings_of(*scenario);
}

TEST(SimulationTest, NoticesAFlippedBit) {
  auto scenario = worked();
  ASSERT_TRUE(scenario->stop());
  ASSERT_TRUE(rot(*scenario, "plain-0"));
  EXPECT_FALSE(scenario->start() && scenario->audit());
  EXPECT_NE(findings_of(*scenario).find("its CRC is wrong"), std::string::npos)
      << findings_of(*scenario);
}

TEST(SimulationTest, DoesNotStartOnMetadataThatRot) {
  auto scenario = worked();
  scenario->crash(base::CrashMode::kKeepAll);
  ASSERT_TRUE(rot(*scenario, "__cluster_metadata-0"));
  EXPECT_FALSE(scenario->start() && scenario->audit());
  EXPECT_NE(findings_of(*scenario), "");
}

}  // namespace
}  // namespace longhaul::sim
