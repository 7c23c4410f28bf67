// Whole nodes under work and crashes, a run a seed. docs/simulation.md tells how to replay one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "tests/sim/scenario.h"

namespace longhaul::sim {
namespace {

constexpr uint64_t kSeeds = 12;

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

void expect_good_run(uint64_t seed, Trace::Keep keep) {
  Scenario scenario(seed, keep);
  scenario.run();
  EXPECT_EQ(findings_of(scenario), "") << "LONGHAUL_SIM_SEED=" << seed << " replays it";
  EXPECT_GT(scenario.history().acknowledged_count(), 0u);
  EXPECT_GT(scenario.restarts(), 0u);
}

TEST(SimulationTest, KeepsWhatItAcknowledged) {
  if (auto seed = number_from("LONGHAUL_SIM_SEED")) {
    return expect_good_run(*seed, Trace::Keep::kPrint);
  }
  uint64_t first = number_from("LONGHAUL_SIM_FIRST").value_or(1);
  uint64_t count = number_from("LONGHAUL_SIM_SEEDS").value_or(kSeeds);
  for (uint64_t at = 0; at < count; ++at) expect_good_run(first + at, Trace::Keep::kDigest);
}

TEST(SimulationTest, IsTheSameForTheSameSeed) {
  auto run = [](uint64_t seed) {
    auto scenario = std::make_unique<Scenario>(seed, Trace::Keep::kLines);
    scenario->run();
    return scenario;
  };
  auto first = run(7);
  auto second = run(7);
  auto [a, b] = std::ranges::mismatch(first->world().trace.lines(), second->world().trace.lines());
  bool differs =
      a != first->world().trace.lines().end() && b != second->world().trace.lines().end();
  EXPECT_FALSE(differs) << *a << "\nand then\n" << *b;
  EXPECT_EQ(first->world().trace.digest(), second->world().trace.digest());
  EXPECT_EQ(first->disk_digest(), second->disk_digest());

  auto other = run(8);
  EXPECT_NE(first->world().trace.digest(), other->world().trace.digest());
  EXPECT_NE(first->disk_digest(), other->disk_digest());
}

/// A broker that has worked for two seconds and has nothing under way.
std::unique_ptr<Scenario> worked() {
  auto scenario = std::make_unique<Scenario>(3, Trace::Keep::kDigest);
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
