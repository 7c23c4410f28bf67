// KafkaTopics.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "tests/operator/operator_fixture.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;
using kube::kKafkaTopic;

class TopicTest : public OperatorTest {
 protected:
  void SetUp() override {
    OperatorTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(apply(kSmallCluster));
    settle();
    ASSERT_EQ(ready(kube::kKafkaCluster, "demo"), "True/Ready");
  }

  base::Result<void> topic(const std::string& name, const std::string& spec) {
    return apply(fmt::format(
        "apiVersion: longhaul.dev/v1alpha1\nkind: KafkaTopic\nmetadata: {{name: {}}}\nspec: {{{}}}",
        name, spec));
  }
  FakeVolume::Topic& kafka(const std::string& name) { return node_->volume().topics.at(name); }
};
INSTANTIATE_TEST_SUITE_P(Api, TopicTest, testing::Values("local", "real"));

TEST_P(TopicTest, IsCreatedGrownConfiguredAndDeleted) {
  ASSERT_TRUE(topic("orders",
                    "cluster: demo, topicName: orders.created, partitions: 2, config: "
                    "{retention.ms: 1000, cleanup.policy: compact}"));
  settle();
  ASSERT_EQ(ready(kKafkaTopic, "orders"), "True/Ready") << message(kKafkaTopic, "orders");
  EXPECT_EQ(kafka("orders.created").state.partitions, 2);
  EXPECT_EQ(kafka("orders.created").config["retention.ms"], "1000");
  Json status = object(kKafkaTopic, "orders")["status"];
  EXPECT_EQ(status["topicId"], kafka("orders.created").state.id.to_string());
  EXPECT_EQ(status["partitions"], 2);

  ASSERT_TRUE(topic("orders",
                    "cluster: demo, topicName: orders.created, partitions: 5, config: "
                    "{retention.ms: 2000}"));
  settle();
  EXPECT_EQ(ready(kKafkaTopic, "orders"), "True/Ready");
  EXPECT_EQ(kafka("orders.created").state.partitions, 5);
  EXPECT_EQ(kafka("orders.created").config,
            (std::map<std::string, std::string>{{"retention.ms", "2000"}}));

  remove(kKafkaTopic, "orders");
  settle();
  EXPECT_FALSE(exists(kKafkaTopic, "orders"));
  EXPECT_TRUE(node_->volume().topics.empty());
}

TEST_P(TopicTest, NothingIsWrittenOnceItIsAsDesired) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(topic(fmt::format("t{}", i), "cluster: demo"));
  settle();
  EXPECT_EQ(node_->volume().topics.size(), 5u);
  int before = operator_->transport.writes;
  for (int i = 0; i < 3; ++i) operator_->round();
  EXPECT_EQ(operator_->transport.writes, before);
}

TEST_P(TopicTest, FewerPartitionsIsSaidAndTheRestIsDone) {
  ASSERT_TRUE(topic("t", "cluster: demo, partitions: 6"));
  settle();
  ASSERT_TRUE(topic("t", "cluster: demo, partitions: 3, config: {retention.ms: 7}"));
  settle();
  EXPECT_EQ(ready(kKafkaTopic, "t"), "False/PartitionsCannotShrink");
  EXPECT_EQ(message(kKafkaTopic, "t").find("spec.partitions: is 3, and the topic has 6"), 0u);
  EXPECT_EQ(kafka("t").config["retention.ms"], "7");
  EXPECT_EQ(kube::int_at(object(kKafkaTopic, "t"), {"status", "observedGeneration"}), 2);
}

TEST_P(TopicTest, MistakesAreNamed) {
  ASSERT_TRUE(topic("a", "cluster: demo, config: {retention.mss: 7}"));
  ASSERT_TRUE(topic("b", "cluster: other"));
  ASSERT_TRUE(topic("c", "cluster: demo, region: mars"));
  ASSERT_TRUE(topic("d", "cluster: demo, replicas: 3"));
  ASSERT_TRUE(topic("e", "cluster: demo, topicName: __consumer_offsets"));
  settle();
  EXPECT_EQ(message(kKafkaTopic, "a"),
            "spec.config[retention.mss]: unknown option; did you mean retention.ms?");
  EXPECT_EQ(ready(kKafkaTopic, "b"), "False/NoCluster");
  EXPECT_EQ(ready(kKafkaTopic, "c"), "False/NoRegion");
  EXPECT_EQ(ready(kKafkaTopic, "d"), "False/Refused");
  EXPECT_EQ(ready(kKafkaTopic, "e"), "False/Invalid");
  EXPECT_TRUE(node_->volume().topics.empty());
  for (const char* name : {"a", "b", "c", "d", "e"}) remove(kKafkaTopic, name);
  settle();
  for (const char* name : {"a", "b", "c", "d", "e"}) EXPECT_FALSE(exists(kKafkaTopic, name));
}

TEST_P(TopicTest, ExistingTopicIsAdopted) {
  auto& existing = node_->volume().topics["t"];
  existing.state = {base::Uuid::from_bytes(base::as_bytes("0123456789abcdef")), 2, 1};
  existing.config["retention.bytes"] = "5";
  ASSERT_TRUE(topic("t", "cluster: demo, partitions: 4"));
  settle();
  EXPECT_EQ(ready(kKafkaTopic, "t"), "True/Ready");
  EXPECT_EQ(kafka("t").state.partitions, 4);
  EXPECT_TRUE(kafka("t").config.empty());
  EXPECT_EQ(object(kKafkaTopic, "t")["status"]["topicId"], kafka("t").state.id.to_string());
}

TEST_P(TopicTest, SecondObjectForOneTopicStandsBack) {
  ASSERT_TRUE(topic("aa", "cluster: demo, topicName: t"));
  settle();
  ASSERT_TRUE(topic("bb", "cluster: demo, topicName: t, partitions: 9"));
  settle();
  // Creation times count in seconds: within one, the name decides.
  EXPECT_EQ(ready(kKafkaTopic, "bb"), "False/Duplicate");
  EXPECT_EQ(kafka("t").state.partitions, 1);
  remove(kKafkaTopic, "bb");
  settle();
  EXPECT_FALSE(exists(kKafkaTopic, "bb"));
  EXPECT_TRUE(node_->volume().topics.contains("t"));
}

TEST_P(TopicTest, TopicMadeAnewUnderTheNameIsNotDeleted) {
  ASSERT_TRUE(topic("t", "cluster: demo"));
  settle();
  kafka("t").state.id = base::Uuid::from_bytes(base::as_bytes("fedcba9876543210"));
  remove(kKafkaTopic, "t");
  settle();
  EXPECT_FALSE(exists(kKafkaTopic, "t"));
  EXPECT_TRUE(node_->volume().topics.contains("t"));
}

TEST_P(TopicTest, DeletionWaitsForABrokerAndLetsGoWithTheCluster) {
  ASSERT_TRUE(topic("t", "cluster: demo"));
  settle();
  node_->pods_run = false;
  remove(kube::kPod, "demo-home-1001-0");
  remove(kKafkaTopic, "t");
  settle();
  EXPECT_EQ(ready(kKafkaTopic, "t"), "False/WaitingForCluster");
  remove(kube::kKafkaCluster, "demo");
  settle();
  EXPECT_FALSE(exists(kKafkaTopic, "t"));
}

}  // namespace
}  // namespace longhaul::tests
