// min.insync.replicas once eligible leader replicas (KIP-966) are finalized.
#include "broker/metadata/eligible_replicas.h"

#include "broker/metadata/bootstrap.h"
#include "broker/metadata/loader.h"
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
  ErrorCode alter(const std::string& broker, const char* name, std::optional<std::string> value,
                  ResourceType type = ResourceType::kBroker) {
    protocol::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(type);
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
  ErrorCode alter_topic(const std::string& topic, std::optional<std::string> value) {
    return alter(topic, kMinInsync, std::move(value), ResourceType::kTopic);
  }
  /// Both replicas of "t-0" and "u-0" are needed, and 2 is away but has all.
  void lose_one() {
    enable_elr();
    unfence(1);
    unfence(2);
    make_topic("t", {{1, 2}}, {{kMinInsync, "2"}});
    make_topic("u", {{1, 2}}, {{kMinInsync, "2"}});
    fence(2);
    ASSERT_EQ(elr("t"), Ids{2});
    ASSERT_EQ(elr("u"), Ids{2});
  }
  const Ids& elr(const std::string& name) { return image_->partition(name, 0)->elr; }
  const Ids& last_known(const std::string& name) {
    return image_->partition(name, 0)->last_known_elr;
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

TEST_F(EligibleReplicas, AnotherMinimumOfATopicEndsEligibility) {
  lose_one();
  EXPECT_EQ(alter_topic("t", "1"), ErrorCode::kNone);
  EXPECT_EQ(elr("t"), Ids{}) << "1 may acknowledge alone what 2 does not have";
  EXPECT_EQ(elr("u"), Ids{2});
  fence(1);
  unfence(2);
  EXPECT_EQ(leader("t", 0), kNoLeader);
  EXPECT_EQ(leader("u", 0), 2);
}

TEST_F(EligibleReplicas, SoDoesItsRemovalAndAnotherOneOfAllBrokers) {
  lose_one();
  EXPECT_EQ(alter_topic("t", std::nullopt), ErrorCode::kNone);
  EXPECT_EQ(elr("t"), Ids{});
  EXPECT_EQ(elr("u"), Ids{2});
  EXPECT_EQ(alter("", "retention.ms", "5"), ErrorCode::kNone);
  EXPECT_EQ(elr("u"), Ids{2});
  EXPECT_EQ(alter("", kMinInsync, "1"), ErrorCode::kNone);
  EXPECT_EQ(elr("u"), Ids{});
  protocol::AlterConfigsRequest older;
  older.resources.push_back({static_cast<int8_t>(ResourceType::kTopic), "u", {}});
  protocol::PartitionChangeRecord eligible;
  eligible.topic_id = image_->topic("u")->id;
  eligible.partition_id = 0;
  eligible.eligible_leader_replicas = Ids{2};
  apply({eligible});
  EXPECT_EQ(run(&alter_configs, older).responses.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(elr("u"), Ids{});
}

TEST_F(EligibleReplicas, WhereNobodyLeadsTheyStay) {
  lose_one();
  fence(1);
  EXPECT_EQ(elr("t"), (Ids{2, 1}));
  EXPECT_EQ(alter_topic("t", "1"), ErrorCode::kNone);
  EXPECT_EQ(elr("t"), (Ids{2, 1})) << "nothing could be written since";
  EXPECT_EQ(last_known("t"), Ids{1});
  EXPECT_EQ(alter("", kMinInsync, "2"), ErrorCode::kNone);
  EXPECT_EQ(elr("u"), (Ids{2, 1}));
  unfence(2);
  EXPECT_EQ(leader("t", 0), 2);
  EXPECT_EQ(isr("t", 0), Ids{2});
}

TEST_F(EligibleReplicas, WithoutTheFeatureNobodyIsEligible) {
  lose_one();
  protocol::PartitionChangeRecord nobody;
  nobody.topic_id = image_->topic("u")->id;
  nobody.partition_id = 0;
  nobody.isr = Ids{};
  nobody.leader = kNoLeader;
  apply({nobody});
  EXPECT_EQ(finalize(0), ErrorCode::kNone);
  EXPECT_EQ(elr("t"), Ids{});
  EXPECT_EQ(isr("t", 0), Ids{1});
  EXPECT_EQ(elr("u"), Ids{});
  EXPECT_EQ(isr("u", 0), Ids{2}) << "it has all, and leads when it comes";
  unfence(2);
  EXPECT_EQ(leader("u", 0), 2);
  EXPECT_EQ(finalize(1), ErrorCode::kNone);
  EXPECT_EQ(elr("t"), Ids{});
}

TEST_F(EligibleReplicas, MoreThanThereAreReplicasIsSaid) {
  auto warnings_of = [&](const MetadataRecords& records) {
    ImageStep step;
    step.before = image_;
    MetadataDelta delta(image_);
    for (const MetadataRecord& record : records) EXPECT_TRUE(delta.apply(record, offset_));
    step.changes = delta.changes();
    step.after = *delta.finish({offset_, 1}, 0);
    return min_insync_warnings(step, rules_, settings_.node_id);
  };
  auto request = topic("t", 2, 2);
  unfence(1);
  unfence(2);
  request.topics[0].configs.push_back({kMinInsync, "3"});
  auto created = create_topics(input(), request).records;
  EXPECT_EQ(warnings_of(created),
            std::vector<std::string>{
                "topic t: min.insync.replicas=3 is more than its 2 replicas: all of them count"});
  apply(created);
  auto set = [](ResourceType type, const std::string& name, const char* option, const char* value) {
    protocol::ConfigRecord record;
    record.resource_type = static_cast<int8_t>(type);
    record.resource_name = name;
    record.name = option;
    record.value = value;
    return MetadataRecords{record};
  };
  EXPECT_EQ(warnings_of(set(ResourceType::kTopic, "t", kMinInsync, "4")).size(), 1u);
  EXPECT_TRUE(warnings_of(set(ResourceType::kTopic, "t", kMinInsync, "2")).empty());
  EXPECT_TRUE(warnings_of(set(ResourceType::kTopic, "t", "retention.ms", "2")).empty()) << "said";
  EXPECT_TRUE(warnings_of(set(ResourceType::kBroker, "", kMinInsync, "9")).empty());
  apply(create_topics(input(), topic("u", 1, 2)).records);
  EXPECT_EQ(warnings_of(set(ResourceType::kBroker, "", kMinInsync, "9")).size(), 1u);
}

TEST_F(EligibleReplicas, OfANewCluster) {
  EXPECT_TRUE(finalizes_eligible_replicas(default_bootstrap()));
  EXPECT_FALSE(finalizes_eligible_replicas({}));
}

}  // namespace
}  // namespace longhaul::broker::metadata
