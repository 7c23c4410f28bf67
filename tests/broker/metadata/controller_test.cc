// All requests to the controller but CreateTopics.
#include "tests/broker/metadata/controller_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

class Controller : public ControllerFixture {
 protected:
  void SetUp() override {
    ControllerFixture::SetUp();
    add_broker(1);
    ASSERT_EQ(run(&create_topics, topic("t", 2)).topics[0].error_code, ErrorCode::kNone);
  }
  protocol::IncrementalAlterConfigsRequest alteration(ResourceType type, const std::string& name,
                                                      const std::string& key, config::Operation op,
                                                      std::optional<std::string> value) {
    protocol::IncrementalAlterConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<int8_t>(type);
    resource.resource_name = name;
    resource.configs.push_back({key, static_cast<int8_t>(op), std::move(value)});
    return request;
  }
  ErrorCode alter(ResourceType type, const std::string& name, const std::string& key,
                  config::Operation op, std::optional<std::string> value) {
    auto response = run(&incremental_alter_configs, alteration(type, name, key, op, value));
    message_ = response.responses.at(0).error_message.value_or("");
    return response.responses.at(0).error_code;
  }
  protocol::CreatePartitionsRequest growth(const std::string& name, int32_t count) {
    protocol::CreatePartitionsRequest request;
    request.topics.push_back({name, count, std::nullopt});
    return request;
  }
  std::pair<ErrorCode, std::string> grow(const protocol::CreatePartitionsRequest& request) {
    auto response = run(&create_partitions, request);
    return {response.results.at(0).error_code, response.results.at(0).error_message.value_or("")};
  }
  const ConfigMap& own() { return image_->config({ResourceType::kTopic, "t"}); }

  std::string message_;
};

TEST_F(Controller, GrowsTopics) {
  using Outcome = std::pair<ErrorCode, std::string>;
  EXPECT_EQ(grow(growth("t", 2)),
            (Outcome{ErrorCode::kInvalidPartitions, "Topic already has 2 partition(s)."}));
  EXPECT_EQ(grow(growth("t", 1)),
            (Outcome{ErrorCode::kInvalidPartitions,
                     "The topic t currently has 2 partition(s); 1 would not be an increase."}));
  EXPECT_EQ(grow(growth("nope", 3)).first, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(grow(growth("t", 20'003)).first, ErrorCode::kPolicyViolation);
  auto manual = growth("t", 4);
  manual.topics[0].assignments.emplace();
  manual.topics[0].assignments->push_back({{1}});
  EXPECT_EQ(grow(manual),
            (Outcome{ErrorCode::kInvalidReplicaAssignment,
                     "Attempted to add 2 additional partition(s), but only 1 assignment(s) were "
                     "specified."}));
  manual.topics[0].assignments->push_back({{9}});
  EXPECT_EQ(grow(manual).first, ErrorCode::kInvalidReplicaAssignment);
  auto dry = growth("t", 5);
  dry.validate_only = true;
  EXPECT_EQ(grow(dry).first, ErrorCode::kNone);
  EXPECT_EQ(image_->topic("t")->partitions.size(), 2u);
  EXPECT_EQ(grow(growth("t", 5)).first, ErrorCode::kNone);
  EXPECT_EQ(image_->topic("t")->partitions.size(), 5u);
  EXPECT_EQ(image_->partition_count, 5);
  auto twice = growth("t", 6);
  twice.topics.push_back(twice.topics[0]);
  EXPECT_EQ(grow(twice),
            (Outcome{ErrorCode::kInvalidRequest, "the topic is in the request more than once"}));
}

TEST_F(Controller, DeletesTopics) {
  base::Uuid id = image_->topic("t")->id;
  protocol::DeleteTopicsRequest request;
  auto add = [&](std::optional<std::string> name, base::Uuid topic_id) {
    auto& state = request.topics.emplace_back();
    state.name = std::move(name);
    state.topic_id = topic_id;
  };
  add("nope", {});
  add(std::nullopt, base::Uuid::random(random_));
  add("t", id);
  add(std::nullopt, {});
  auto response = run(&delete_topics, request);
  ASSERT_EQ(response.responses.size(), 4u);
  EXPECT_EQ(response.responses[0].error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(response.responses[1].error_code, ErrorCode::kUnknownTopicId);
  EXPECT_EQ(response.responses[2].error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(response.responses[3].error_code, ErrorCode::kInvalidRequest);

  request.topics.clear();
  add("t", {});
  add(std::nullopt, id);
  response = run(&delete_topics, request);
  ASSERT_EQ(response.responses.size(), 1u);  // one topic, one answer
  EXPECT_EQ(response.responses[0].error_code, ErrorCode::kInvalidRequest);

  alter(ResourceType::kTopic, "t", "retention.ms", config::Operation::kSet, "5");
  request.topics.clear();
  request.topic_names = {"t"};
  settings_.delete_topics = false;
  EXPECT_EQ(run(&delete_topics, request).responses[0].error_code,
            ErrorCode::kTopicDeletionDisabled);
  settings_.delete_topics = true;
  response = run(&delete_topics, request);
  EXPECT_EQ(response.responses[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(response.responses[0].topic_id, id);
  EXPECT_EQ(image_->topic("t"), nullptr);
  EXPECT_TRUE(own().empty());
  EXPECT_EQ(image_->partition_count, 0);
  // A topic of the same name is another one.
  run(&create_topics, topic("t"));
  EXPECT_NE(image_->topic("t")->id, id);
}

TEST_F(Controller, AltersOptionsOneByOne) {
  auto op = config::Operation::kSet;
  EXPECT_EQ(alter(ResourceType::kTopic, "t", "retention.ms", op, "5"), ErrorCode::kNone);
  EXPECT_EQ(own(), (ConfigMap{{"retention.ms", "5"}}));
  EXPECT_EQ(alter(ResourceType::kTopic, "t", "retention.ms", op, "5"), ErrorCode::kNone);
  EXPECT_TRUE(records_.empty());
  EXPECT_EQ(alter(ResourceType::kTopic, "t", "cleanup.policy", config::Operation::kAppend, "x"),
            ErrorCode::kNone);
  EXPECT_EQ(own().at("cleanup.policy"), "+x");
  EXPECT_EQ(alter(ResourceType::kTopic, "t", "retention.ms", config::Operation::kDelete, {}),
            ErrorCode::kNone);
  EXPECT_EQ(own().count("retention.ms"), 0u);

  EXPECT_EQ(alter(ResourceType::kTopic, "t", "retention.ms", op, std::nullopt),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(message_, "Null value not supported for : retention.ms");
  EXPECT_EQ(alter(ResourceType::kTopic, "t", "foo", op, "5"), ErrorCode::kInvalidConfig);
  EXPECT_EQ(alter(ResourceType::kTopic, "nope", "retention.ms", op, "5"),
            ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(message_, "The topic 'nope' does not exist.");
  EXPECT_EQ(alter(ResourceType::kTopic, "", "retention.ms", op, "5"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(message_, "Default topic resources are not allowed.");
  EXPECT_EQ(alter(ResourceType::kTopic, "a b", "retention.ms", op, "5"),
            ErrorCode::kInvalidTopicException);
  EXPECT_EQ(
      alter(ResourceType::kTopic, "t", "retention.ms", static_cast<config::Operation>(9), "5"),
      ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter(ResourceType::kBroker, "1", "retention.ms", op, "5"), ErrorCode::kNone);
  EXPECT_EQ(alter(ResourceType::kBroker, "", "retention.ms", op, "5"), ErrorCode::kNone);
  EXPECT_EQ(alter(ResourceType::kBroker, "9", "retention.ms", op, "5"),
            ErrorCode::kBrokerIdNotRegistered);
  EXPECT_EQ(alter(ResourceType::kBroker, "x", "retention.ms", op, "5"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(alter(ResourceType::kUnknown, "x", "retention.ms", op, "5"),
            ErrorCode::kInvalidRequest);

  auto twice = alteration(ResourceType::kTopic, "t", "retention.ms", op, "7");
  twice.resources[0].configs.push_back(twice.resources[0].configs[0]);
  EXPECT_EQ(run(&incremental_alter_configs, twice).responses[0].error_code,
            ErrorCode::kInvalidRequest);
  auto dry = alteration(ResourceType::kTopic, "t", "retention.ms", op, "7");
  dry.validate_only = true;
  EXPECT_EQ(run(&incremental_alter_configs, dry).responses[0].error_code, ErrorCode::kNone);
  EXPECT_TRUE(records_.empty());
}

TEST_F(Controller, TheOlderAlterConfigsReplacesAll) {
  alter(ResourceType::kTopic, "t", "retention.ms", config::Operation::kSet, "5");
  protocol::AlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<int8_t>(ResourceType::kTopic);
  resource.resource_name = "t";
  resource.configs.push_back({"segment.ms", "3"});
  EXPECT_EQ(run(&alter_configs, request).responses[0].error_code, ErrorCode::kNone);
  EXPECT_EQ(own(), (ConfigMap{{"segment.ms", "3"}}));
}

TEST_F(Controller, RegistersControllers) {
  protocol::ControllerRegistrationRequest request;
  request.controller_id = 2;
  request.incarnation_id = disk(7);
  request.listeners.push_back({"CONTROLLER", "c.example", 9093, 0});
  request.features.push_back({"metadata.version", 30, 30});
  int64_t before = offset_;
  EXPECT_EQ(run(&register_controller, request).error_code, ErrorCode::kNone);
  const auto* known = image_->controllers.find(2);
  ASSERT_TRUE(known);
  ASSERT_EQ((*known)->endpoints.size(), 1u);
  EXPECT_EQ((*known)->endpoints[0].host, "c.example");
  EXPECT_EQ((*known)->features.at("metadata.version").max, 30);
  run(&register_controller, request);
  EXPECT_EQ(offset_, before + 1) << "the same process asks again";
  request.incarnation_id = disk(8);
  request.listeners[0].port = 9999;
  run(&register_controller, request);
  EXPECT_EQ((*image_->controllers.find(2))->endpoints[0].port, 9999);
}

TEST_F(Controller, RegistersBrokers) {
  auto request = registration(2);
  int64_t expected = offset_;
  auto first = run(&register_broker, request);
  EXPECT_EQ(first.broker_epoch, expected);
  EXPECT_TRUE(image_->broker(2)->fenced);
  // The same process asks again; then another one.
  EXPECT_EQ(run(&register_broker, request).broker_epoch, expected);
  auto restarted = run(&register_broker, registration(2));
  EXPECT_GT(restarted.broker_epoch, expected);

  auto code = [&](const protocol::BrokerRegistrationRequest& wrong) {
    return run(&register_broker, wrong).error_code;
  };
  auto other_cluster = registration(3);
  other_cluster.cluster_id = "D";
  EXPECT_EQ(code(other_cluster), ErrorCode::kInconsistentClusterId);
  auto same_disk = registration(3);
  same_disk.log_dirs = {disk(1)};
  EXPECT_EQ(code(same_disk), ErrorCode::kInvalidRegistration);
  base::Uuid lost;
  lost.bytes.back() = 1;
  for (const auto& wrong : std::vector<std::vector<base::Uuid>>{
           {}, {base::Uuid{}}, {disk(3), lost}, {disk(3), disk(4), disk(3)}}) {
    auto disks = registration(3);
    disks.log_dirs = wrong;
    EXPECT_EQ(code(disks), ErrorCode::kInvalidRegistration);
  }
  auto too_old = registration(3);
  too_old.features[0].max_supported_version = 29;
  EXPECT_EQ(code(too_old), ErrorCode::kUnsupportedVersion);
  too_old.features.clear();
  EXPECT_EQ(code(too_old), ErrorCode::kUnsupportedVersion);
  auto deaf = registration(3);
  deaf.listeners.clear();
  EXPECT_EQ(code(deaf), ErrorCode::kInvalidRegistration);
}

TEST_F(Controller, UnfencesWhoCaughtUp) {
  auto registered = run(&register_broker, registration(2));
  protocol::BrokerHeartbeatRequest beat;
  beat.broker_id = 2;
  beat.broker_epoch = registered.broker_epoch;
  beat.current_metadata_offset = registered.broker_epoch - 1;
  auto response = run(&broker_heartbeat, beat);
  EXPECT_FALSE(response.is_caught_up);
  EXPECT_TRUE(response.is_fenced);
  beat.current_metadata_offset = registered.broker_epoch;
  beat.want_fence = true;
  EXPECT_TRUE(run(&broker_heartbeat, beat).is_fenced);
  beat.want_fence = false;
  EXPECT_FALSE(run(&broker_heartbeat, beat).is_fenced);
  EXPECT_FALSE(image_->broker(2)->fenced);
  EXPECT_FALSE(run(&broker_heartbeat, beat).is_fenced);
  EXPECT_TRUE(records_.empty());
  beat.broker_epoch -= 1;
  EXPECT_EQ(run(&broker_heartbeat, beat).error_code, ErrorCode::kStaleBrokerEpoch);
  beat.broker_id = 77;
  EXPECT_EQ(run(&broker_heartbeat, beat).error_code, ErrorCode::kStaleBrokerEpoch);
}

TEST_F(Controller, AnUnfencedBrokerLeadsWhatWaitsForIt) {
  protocol::PartitionChangeRecord orphaned;
  orphaned.topic_id = image_->topic("t")->id;
  orphaned.partition_id = 1;
  orphaned.leader = -1;
  apply({orphaned});
  EXPECT_EQ(image_->partition("t", 1)->leader, kNoLeader);
  add_broker(1);
  EXPECT_EQ(image_->partition("t", 1)->leader, 1);
  EXPECT_EQ(image_->partition("t", 1)->leader_epoch, 2);
  EXPECT_EQ(image_->partition("t", 0)->leader_epoch, 2) << "its run before led it";
}

TEST_F(Controller, GivesProducerIdsOfItsRegion) {
  protocol::AllocateProducerIdsRequest request;
  request.broker_id = 1;
  request.broker_epoch = image_->broker(1)->epoch;
  auto first = run(&allocate_producer_ids, request);
  EXPECT_EQ(first.producer_id_start, 0);
  EXPECT_EQ(first.producer_id_len, 1000);
  EXPECT_EQ(run(&allocate_producer_ids, request).producer_id_start, 1000);
  settings_.region_ordinal = 2;
  EXPECT_EQ(run(&allocate_producer_ids, request).producer_id_start, int64_t{2} << 48);
  EXPECT_EQ(run(&allocate_producer_ids, request).producer_id_start, (int64_t{2} << 48) + 1000);
  settings_.region_ordinal = 1;
  EXPECT_EQ(run(&allocate_producer_ids, request).error_code, ErrorCode::kUnknownServerError);
  request.broker_epoch = 0;
  EXPECT_EQ(run(&allocate_producer_ids, request).error_code, ErrorCode::kStaleBrokerEpoch);
  request.broker_id = 77;
  EXPECT_EQ(run(&allocate_producer_ids, request).error_code, ErrorCode::kStaleBrokerEpoch);
}

TEST_F(Controller, FeatureLevels) {
  auto update = [&](const std::string& feature, int16_t level, int8_t type) {
    protocol::UpdateFeaturesRequest request;
    auto& key = request.feature_updates.emplace_back();
    key.feature = feature;
    key.max_version_level = level;
    key.upgrade_type = type;
    auto response = run(&update_features, request);
    message_ = response.error_message.value_or("");
    return response.error_code;
  };
  EXPECT_EQ(update("metadata.version", 30, 1), ErrorCode::kNone);
  EXPECT_TRUE(records_.empty());
  EXPECT_EQ(update("metadata.version", 99, 1), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(message_,
            "Invalid update version 99 for feature metadata.version. Local controller 1 only "
            "supports versions 30-30");
  EXPECT_EQ(update("foo.version", 1, 1), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update("kraft.version", 1, 1), ErrorCode::kInvalidUpdateVersion);
  MetadataDelta delta(image_);
  delta.set_kraft_version(1);
  image_ = *delta.finish({offset_, 1}, 0);
  EXPECT_EQ(update("kraft.version", 1, 1), ErrorCode::kNone) << "it is that already";
  EXPECT_TRUE(records_.empty());
  EXPECT_EQ(update("kraft.version", 0, 3), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(message_,
            "Invalid update version 0 for feature kraft.version. It was set to 1 when the cluster "
            "was formatted.");
  EXPECT_EQ(update("kraft.version", 2, 1), ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(update("metadata.version", 30, 9), ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace longhaul::broker::metadata
