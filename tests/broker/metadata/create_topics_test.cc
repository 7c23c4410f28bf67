// The words of errors were taken down from Apache Kafka 4.3.1.
#include "tests/broker/metadata/controller_fixture.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using Request = protocol::CreateTopicsRequest;

class CreateTopics : public ControllerFixture {
 protected:
  struct Outcome {
    ErrorCode code;
    std::string message;
    bool operator==(const Outcome&) const = default;
  };
  Outcome create(const Request& request) {
    auto response = run(&create_topics, request);
    EXPECT_EQ(response.topics.size(), 1u);
    const auto& topic = response.topics.front();
    if (topic.error_code != ErrorCode::kNone) {
      EXPECT_TRUE(records_.empty());
      EXPECT_EQ(topic.num_partitions, -1);
    }
    return {topic.error_code, topic.error_message.value_or("")};
  }
  Request manual(const std::vector<std::pair<int32_t, std::vector<int32_t>>>& assignment) {
    Request request = topic("manual", -1, -1);
    for (const auto& [index, brokers] : assignment)
      request.topics[0].assignments.push_back({index, brokers});
    return request;
  }
};

TEST_F(CreateTopics, OneBroker) {
  add_broker(1);
  Request request = topic("hello", 2);
  request.topics[0].configs.push_back({"retention.ms", "1000"});
  auto response = run(&create_topics, request);
  ASSERT_EQ(response.topics.size(), 1u);
  const auto& made = response.topics[0];
  EXPECT_EQ(made.error_code, ErrorCode::kNone);
  EXPECT_FALSE(made.error_message);
  EXPECT_EQ(made.num_partitions, 2);
  EXPECT_EQ(made.replication_factor, 1);
  ASSERT_TRUE(made.configs);
  EXPECT_EQ(made.configs->size(), 3u);
  // In Apache Kafka's order: the topic, its options, its partitions.
  ASSERT_EQ(records_.size(), 4u);
  EXPECT_TRUE(std::holds_alternative<protocol::TopicRecord>(records_[0]));
  EXPECT_TRUE(std::holds_alternative<protocol::ConfigRecord>(records_[1]));
  protocol::PartitionRecord expected;
  expected.partition_id = 1;
  expected.topic_id = made.topic_id;
  expected.replicas = expected.isr = {1};
  expected.leader = 1;
  expected.leader_epoch = expected.partition_epoch = 0;
  expected.directories = {disk(1)};
  EXPECT_EQ(std::get<protocol::PartitionRecord>(records_[3]), expected);
  EXPECT_EQ(image_->topic("hello")->id, made.topic_id);
  EXPECT_EQ(image_->config({ResourceType::kTopic, "hello"}), (ConfigMap{{"retention.ms", "1000"}}));
}

TEST_F(CreateTopics, Names) {
  add_broker(1);
  struct Case {
    std::string name;
    Outcome outcome;
  };
  std::string lengthy(250, 'x');
  ASSERT_EQ(create(topic("a.b")).code, ErrorCode::kNone);
  ErrorCode invalid = ErrorCode::kInvalidTopicException;
  for (const Case& c : std::vector<Case>{
           {"", {invalid, "Topic name is invalid: the empty string is not allowed"}},
           {".", {invalid, "Topic name is invalid: '.' is not allowed"}},
           {"..", {invalid, "Topic name is invalid: '..' is not allowed"}},
           {"a b",
            {invalid,
             "Topic name is invalid: 'a b' contains one or more characters other than ASCII "
             "alphanumerics, '.', '_' and '-'"}},
           {lengthy,
            {invalid, "Topic name is invalid: the length of '" + lengthy +
                          "' is longer than the max allowed length 249"}},
           {"a.b", {ErrorCode::kTopicAlreadyExists, "Topic 'a.b' already exists."}},
           {"a_b", {invalid, "Topic 'a_b' collides with existing topic: a.b"}},
           {"__cluster_metadata",
            {ErrorCode::kInvalidRequest,
             "Creation of internal topic __cluster_metadata is prohibited."}},
       })
    EXPECT_EQ(create(topic(c.name)), c.outcome) << c.name;
  EXPECT_EQ(create(topic(std::string(249, 'x'))).code, ErrorCode::kNone);
}

TEST_F(CreateTopics, Counts) {
  add_broker(1);
  settings_.default_partitions = 3;
  std::string factor = "Replication factor must be larger than 0, or -1 to use the default value.";
  std::string partitions = "Number of partitions was set to an invalid non-positive value.";
  EXPECT_EQ(create(topic("t", 1, 0)), (Outcome{ErrorCode::kInvalidReplicationFactor, factor}));
  EXPECT_EQ(create(topic("t", 1, -2)), (Outcome{ErrorCode::kInvalidReplicationFactor, factor}));
  EXPECT_EQ(create(topic("t", 0, 1)), (Outcome{ErrorCode::kInvalidPartitions, partitions}));
  EXPECT_EQ(create(topic("t", -2, 1)), (Outcome{ErrorCode::kInvalidPartitions, partitions}));
  EXPECT_EQ(create(topic("t", 20'000, 1)),
            (Outcome{ErrorCode::kPolicyViolation,
                     "Excessively large number of partitions per request."}));
  EXPECT_EQ(
      create(topic("t", 1, 3)),
      (Outcome{ErrorCode::kInvalidReplicationFactor,
               "Unable to replicate the partition 3 time(s): The target replication factor of 3 "
               "cannot be reached because only 1 broker(s) are registered or some brokers have all "
               "their log directories cordoned."}));
  EXPECT_EQ(create(topic("t", -1, -1)).code, ErrorCode::kNone);
  EXPECT_EQ(image_->topic("t")->partitions.size(), 3u);
}

TEST_F(CreateTopics, FencedBrokersLeadNothing) {
  add_broker(1, /*unfence=*/false);
  EXPECT_EQ(create(topic("t")),
            (Outcome{ErrorCode::kInvalidReplicationFactor,
                     "Unable to replicate the partition 1 time(s): All brokers are currently "
                     "fenced."}));
  add_broker(2);
  EXPECT_EQ(create(topic("t", 4, 2)).code, ErrorCode::kNone);
  for (const auto& partition : image_->topic("t")->partitions) {
    EXPECT_EQ(partition->replicas, (std::vector<int32_t>{2, 1}));
    EXPECT_EQ(partition->isr, std::vector<int32_t>{2});
    EXPECT_EQ(partition->leader, 2);
  }
}

TEST_F(CreateTopics, SpreadsLeadersAndFollowers) {
  for (int32_t id = 1; id <= 3; ++id) add_broker(id);
  EXPECT_EQ(create(topic("t", 6, 2)).code, ErrorCode::kNone);
  std::map<int32_t, int> leaders, replicas;
  std::set<std::vector<int32_t>> pairs;
  for (const auto& partition : image_->topic("t")->partitions) {
    ++leaders[partition->leader];
    for (int32_t id : partition->replicas) ++replicas[id];
    pairs.insert(partition->replicas);
  }
  EXPECT_EQ(leaders, (std::map<int32_t, int>{{1, 2}, {2, 2}, {3, 2}}));
  EXPECT_EQ(replicas, (std::map<int32_t, int>{{1, 4}, {2, 4}, {3, 4}}));
  EXPECT_EQ(pairs.size(), 6u);
}

TEST_F(CreateTopics, ManualAssignment) {
  for (int32_t id = 1; id <= 3; ++id) add_broker(id);
  ErrorCode wrong = ErrorCode::kInvalidReplicaAssignment;
  EXPECT_EQ(create(manual({{0, {}}})),
            (Outcome{wrong, "The manual partition assignment includes an empty replica list."}));
  EXPECT_EQ(
      create(manual({{0, {1, 1}}})),
      (Outcome{wrong, "The manual partition assignment includes the broker 1 more than once."}));
  EXPECT_EQ(create(manual({{0, {7}}})),
            (Outcome{wrong,
                     "The manual partition assignment includes broker 7, but no such broker is "
                     "registered."}));
  std::string gap = "partitions should be a consecutive 0-based integer sequence";
  EXPECT_EQ(create(manual({{0, {1}}, {2, {1}}})), (Outcome{wrong, gap}));
  EXPECT_EQ(create(manual({{1, {1}}})), (Outcome{wrong, gap}));
  EXPECT_EQ(create(manual({{0, {1}}, {0, {2}}})),
            (Outcome{wrong, "Found multiple manual partition assignments for partition 0"}));
  EXPECT_EQ(create(manual({{0, {1}}, {1, {1, 2}}})),
            (Outcome{wrong,
                     "The manual partition assignment includes a partition with 2 replica(s), but "
                     "this is not consistent with previous partitions, which have 1 replica(s)."}));
  Request both = manual({{0, {1}}});
  both.topics[0].replication_factor = 1;
  EXPECT_EQ(create(both).code, ErrorCode::kInvalidRequest);
  both.topics[0].replication_factor = -1;
  both.topics[0].num_partitions = 1;
  EXPECT_EQ(create(both).code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(create(manual({{1, {3, 1}}, {0, {2, 3}}})).code, ErrorCode::kNone);
  EXPECT_EQ(image_->partition("manual", 0)->replicas, (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(image_->partition("manual", 1)->leader, 3);
}

TEST_F(CreateTopics, Options) {
  add_broker(1);
  Request request = topic("t");
  request.topics[0].configs.push_back({"foo.bar", "1"});
  EXPECT_EQ(create(request),
            (Outcome{ErrorCode::kInvalidConfig, "Unknown topic config name: foo.bar"}));
  request.topics[0].configs = {{"retention.ms", std::nullopt}};
  EXPECT_EQ(create(request), (Outcome{ErrorCode::kInvalidConfig,
                                      "Null value not supported for topic configs: retention.ms"}));
  request.topics[0].configs = {{"retention.ms", "1"}, {"segment.ms", "2"}};
  EXPECT_EQ(create(request), (Outcome{ErrorCode::kInvalidConfig, "segment above retention"}));
}

TEST_F(CreateTopics, ValidateOnlyChangesNothing) {
  add_broker(1);
  Request request = topic("t");
  request.validate_only = true;
  auto response = run(&create_topics, request);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::kNone);
  EXPECT_TRUE(records_.empty());
  EXPECT_EQ(image_->topic("t"), nullptr);
}

TEST_F(CreateTopics, SeveralInOneRequest) {
  add_broker(1);
  Request request = topic("twice");
  request.topics.push_back(topic("twice").topics[0]);
  request.topics.push_back(topic("x.y").topics[0]);
  request.topics.push_back(topic("x_y").topics[0]);
  request.topics.push_back(topic("good").topics[0]);
  auto response = run(&create_topics, request);
  ASSERT_EQ(response.topics.size(), 4u);
  EXPECT_EQ(response.topics[0].error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(response.topics[0].error_message, "the topic is in the request more than once");
  EXPECT_EQ(response.topics[1].error_code, ErrorCode::kNone);
  EXPECT_EQ(response.topics[2].error_code, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(response.topics[3].error_code, ErrorCode::kNone);
  EXPECT_EQ(image_->topics.size(), 2u);
}

}  // namespace
}  // namespace longhaul::broker::metadata
