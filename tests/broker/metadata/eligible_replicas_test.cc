// min.insync.replicas once eligible leader replicas (KIP-966) are finalized.
#include "broker/metadata/eligible_replicas.h"

#include "broker/metadata/bootstrap.h"
#include "tests/broker/metadata/replica_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

constexpr const char* kMinInsync = "min.insync.replicas";

class EligibleReplicas : public ReplicaFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    for (int32_t id = 1; id <= 2; ++id) {
      auto knows = ControllerFixture::registration(id);
      knows.features.push_back({kElrFeature, 0, kElrLevel});
      ASSERT_EQ(run(&register_broker, knows).error_code, ErrorCode::kNone);
    }
  }
  /// An absent value removes it.
  ErrorCode alter(const std::string& broker, const char* name, std::optional<std::string> value) {
    protocol::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(ResourceType::kBroker);
    resource.resource_name = broker;
    auto operation = value ? config::Operation::kSet : config::Operation::kDelete;
    resource.configs.push_back({name, static_cast<int8_t>(operation), std::move(value)});
    return run(&incremental_alter_configs, request).responses.at(0).error_code;
  }
  ErrorCode finalize(int16_t level) {
    protocol::UpdateFeaturesRequest request;
    auto& update = request.feature_updates.emplace_back();
    update.feature = kElrFeature;
    update.max_version_level = level;
    update.upgrade_type = level > 0 ? 1 : 2;
    return run(&update_features, request).error_code;
  }
  const ConfigMap& options_of(const std::string& broker) {
    return image_->config({ResourceType::kBroker, broker});
  }
};

TEST_F(EligibleReplicas, OneValueForAllBrokersFromThenOn) {
  EXPECT_EQ(alter("1", kMinInsync, "3"), ErrorCode::kNone);
  EXPECT_EQ(alter("1", "retention.ms", "5"), ErrorCode::kNone);
  EXPECT_EQ(finalize(1), ErrorCode::kNone);
  EXPECT_EQ(options_of(""), (ConfigMap{{kMinInsync, "1"}}));
  EXPECT_EQ(options_of("1"), (ConfigMap{{"retention.ms", "5"}}));

  EXPECT_EQ(alter("1", kMinInsync, "3"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("", kMinInsync, std::nullopt), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter("1", "retention.ms", "6"), ErrorCode::kNone);
  EXPECT_EQ(alter("", kMinInsync, "2"), ErrorCode::kNone);
  EXPECT_EQ(options_of(""), (ConfigMap{{kMinInsync, "2"}}));

  EXPECT_EQ(finalize(0), ErrorCode::kNone);
  EXPECT_EQ(alter("1", kMinInsync, "3"), ErrorCode::kNone);
  EXPECT_EQ(alter("", kMinInsync, std::nullopt), ErrorCode::kNone);
}

TEST_F(EligibleReplicas, KeepsTheValueThatAllBrokersHave) {
  EXPECT_EQ(alter("", kMinInsync, "2"), ErrorCode::kNone);
  EXPECT_EQ(finalize(1), ErrorCode::kNone);
  EXPECT_EQ(options_of(""), (ConfigMap{{kMinInsync, "2"}}));
}

TEST_F(EligibleReplicas, OfANewCluster) {
  EXPECT_TRUE(finalizes_eligible_replicas(default_bootstrap()));
  EXPECT_FALSE(finalizes_eligible_replicas({}));
}

}  // namespace
}  // namespace longhaul::broker::metadata
