#include "cli/readiness.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/memory_file_system.h"
#include "base/random.h"
#include "cli/embedded.h"
#include "local/api/text.h"

namespace longhaul::cli {
namespace {

using local::Json;

class ReadinessTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.create_directories("/api"));
    auto store = local::Store::open(files_, "/api", 1000);
    ASSERT_TRUE(store) << store.error().message;
    store_ = std::move(*store);
    api_ = std::make_unique<local::Api>(*store_, clock_, random_);
    for (std::string_view text : embedded_definitions()) {
      auto documents = local::parse_yaml(text);
      ASSERT_TRUE(documents);
      for (Json& document : *documents) ASSERT_TRUE(api_->apply_object(document, "test"));
    }
    topic_ = {{"apiVersion", "longhaul.dev/v1alpha1"},
              {"kind", "KafkaTopic"},
              {"metadata", {{"name", "orders"}}},
              {"spec", {{"cluster", "demo"}, {"partitions", 3}}}};
    ASSERT_TRUE(api_->apply_object(topic_, "test"));
  }

  /// What the operator writes, of this generation.
  void report(const char* ready, const char* progressing, int generation) {
    auto condition = [&](const char* type, const char* status, const char* reason) {
      return Json{{"type", type},
                  {"status", status},
                  {"reason", reason},
                  {"message", "3 is less than 6"},
                  {"lastTransitionTime", "2026-01-01T00:00:00Z"},
                  {"observedGeneration", generation}};
    };
    Json conditions = Json::array(
        {condition("Ready", ready, "Because"), condition("Progressing", "False", progressing)});
    local::Target target{*api_->kind("longhaul.dev", "v1alpha1", "kafkatopics"), "default",
                         "orders", "status"};
    auto written =
        api_->patch(target, local::PatchType::kMerge,
                    {{"status", {{"conditions", std::move(conditions)}}}}, {.manager = "operator"});
    ASSERT_TRUE(written) << written.error().message;
  }

  base::MemoryFileSystem files_;
  base::SystemClock clock_;
  base::SeededRandom random_{1};
  std::unique_ptr<local::Store> store_;
  std::unique_ptr<local::Api> api_;
  Json topic_;
};

TEST_F(ReadinessTest, WaitsForWhatTheOperatorHasNotSeen) {
  EXPECT_EQ(check_readiness(*api_).waiting_for, "KafkaTopic orders");
  report("True", "AsDesired", 1);
  EXPECT_TRUE(check_readiness(*api_).ready);
  topic_["spec"]["partitions"] = 6;
  ASSERT_TRUE(api_->apply_object(topic_, "test"));
  Readiness changed = check_readiness(*api_);
  EXPECT_FALSE(changed.ready) << "the condition is of an older generation";
}

TEST_F(ReadinessTest, DoesNotWaitForWhatOnlyAPersonCanMend) {
  report("False", "Blocked", 1);
  Readiness blocked = check_readiness(*api_);
  EXPECT_TRUE(blocked.ready);
  EXPECT_EQ(blocked.blocked, std::vector<std::string>{"KafkaTopic orders: 3 is less than 6"});
  topic_["spec"]["partitions"] = 6;
  ASSERT_TRUE(api_->apply_object(topic_, "test"));
  EXPECT_FALSE(check_readiness(*api_).ready) << "it was mended, and the operator is to look again";
  report("False", "Working", 2);
  EXPECT_FALSE(check_readiness(*api_).ready) << "the operator goes on by itself";
}

}  // namespace
}  // namespace longhaul::cli
