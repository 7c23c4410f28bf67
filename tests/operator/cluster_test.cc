// KafkaClusters: what is made of them, and when nothing is done.
#include <nlohmann/json.hpp>

#include "tests/operator/operator_fixture.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;
using kube::kKafkaCluster;

class ClusterTest : public OperatorTest {};
INSTANTIATE_TEST_SUITE_P(Api, ClusterTest, testing::Values("local", "real"));

TEST_P(ClusterTest, BecomesReadyAndThenNothingIsWritten) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  Json cluster = object(kKafkaCluster, "demo");
  EXPECT_EQ(kube::int_at(cluster, {"status", "observedGeneration"}), 1);
  EXPECT_EQ(kube::int_at(cluster, {"status", "readyBrokers"}), 1);
  EXPECT_EQ(kube::string_at(cluster["status"]["regions"][0], {"clusterId"}),
            node_->volume().cluster_id);
  EXPECT_EQ(kube::string_at(cluster["status"]["regions"][0], {"bootstrapServers"}),
            "demo-home-bootstrap." + name_space_ + ".svc:9092");
  expect_nothing_left_to_do();
}

TEST_P(ClusterTest, FieldsNotImplementedAreNamed) {
  ASSERT_TRUE(apply(R"(
apiVersion: longhaul.dev/v1alpha1
kind: KafkaCluster
metadata: {name: demo}
spec:
  version: 0.1.0
  listeners: [{name: internal}, {name: external, port: 9094, type: loadbalancer, tls: true}]
  regions:
    - name: us
      zones: [{name: la, brokers: 2}, {name: chi, kubeconfigSecret: c}, {name: w, witness: true}]
      storage: {volumes: [{size: 1Gi}, {size: 1Gi}]}
    - {name: sg, zones: [{name: a}], storage: {volumes: [{size: 1Gi}]}}
  links: [{name: l, from: us, to: sg, topics: [".*"]}]
)"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/NotImplemented");
  EXPECT_EQ(message(kKafkaCluster, "demo"),
            "spec.listeners[1].type, spec.listeners[1].tls, "
            "spec.regions[0].zones[1].kubeconfigSecret, "
            "spec.regions[0].storage.volumes[1], spec.regions[1], spec.links[0] are not "
            "implemented in this version");
  EXPECT_FALSE(exists(kube::kConfigMap, "demo-us-anchor"));
}

TEST_P(ClusterTest, WrongOptionsAreNamed) {
  std::string yaml = kSmallCluster;
  yaml.replace(yaml.find("num.partitions: 3"), 17,
               "longhaul.formatt: found, num.partitions: many, node.id: 7");
  ASSERT_TRUE(apply(yaml));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Invalid");
  std::string text = message(kKafkaCluster, "demo");
  EXPECT_NE(text.find("spec.config[longhaul.formatt]: unknown option; did you mean "
                      "longhaul.format?"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("spec.config[num.partitions]: "), std::string::npos) << text;
  EXPECT_NE(text.find("spec.config[node.id]: is set by the operator"), std::string::npos) << text;
}

TEST_P(ClusterTest, ObjectsThatSomebodyChangedAreBroughtBack) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  remove(kube::kService, "demo-home-bootstrap");
  Json config = object(kube::kConfigMap, "demo-home-1001");
  config["data"]["server.properties"] = "broken";
  ASSERT_TRUE(kube::call(server_->transport(), kube::replace(kube::kConfigMap, config)));
  settle();
  EXPECT_TRUE(exists(kube::kService, "demo-home-bootstrap"));
  EXPECT_NE(object(kube::kConfigMap, "demo-home-1001")["data"]["server.properties"], "broken");
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
}

TEST_P(ClusterTest, ChangedConfigurationReplacesThePodOnce) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  std::string uid = kube::uid_of(object(kube::kPod, "demo-home-1001-0"));
  std::string yaml = kSmallCluster;
  yaml.replace(yaml.find("num.partitions: 3"), 17, "num.partitions: 5");
  ASSERT_TRUE(apply(yaml));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
  std::string second = kube::uid_of(object(kube::kPod, "demo-home-1001-0"));
  EXPECT_NE(second, uid);
  std::string properties = object(kube::kConfigMap, "demo-home-1001")["data"]["server.properties"];
  EXPECT_NE(properties.find("\nnum.partitions=5\n"), std::string::npos) << properties;
  settle();
  EXPECT_EQ(kube::uid_of(object(kube::kPod, "demo-home-1001-0")), second);
  EXPECT_EQ(node_->founded, 1);
}

TEST_P(ClusterTest, BrokerThatIsDownIsReported) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  node_->pods_run = false;
  remove(kube::kPod, "demo-home-1001-0");
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/BrokersNotReady");
  Json cluster = object(kKafkaCluster, "demo");
  EXPECT_EQ(kube::string_at(kube::condition_of(cluster, "Degraded"), {"status"}), "True");
  EXPECT_EQ(kube::string_at(kube::condition_of(cluster, "Degraded"), {"message"}),
            "0 of 1 brokers are ready");
  node_->pods_run = true;
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
}

TEST_P(ClusterTest, EventsTellWhatHappened) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  Json events =
      *kube::call(server_->transport(), kube::list(kube::kEvent, {name_space_, ""}, 100, ""));
  std::set<std::string> reasons;
  for (const Json& event : events["items"])
    reasons.insert(kube::string_at(event, {"involvedObject", "kind"}) + " " +
                   kube::string_at(event, {"reason"}));
  EXPECT_TRUE(reasons.contains("KafkaCluster Founded"));
  EXPECT_TRUE(reasons.contains("KafkaCluster Ready"));
}

TEST_P(ClusterTest, VolumeChangesAreRefused) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  std::string yaml = kSmallCluster;
  yaml.replace(yaml.find("size: 1Gi"), 9, "size: 2Gi");
  ASSERT_TRUE(apply(yaml));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/NotImplemented");
  EXPECT_EQ(message(kKafkaCluster, "demo").find("spec.regions[0].storage.volumes[0]"), 0u);
  yaml.replace(yaml.find("size: 2Gi"), 9, "size: 1024Mi");  // the same by value
  ASSERT_TRUE(apply(yaml));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
}

TEST_P(ClusterTest, RetainDecidesWhoOwnsTheAnchor) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  EXPECT_FALSE(
      object(kube::kConfigMap, "demo-home-anchor")["metadata"].contains("ownerReferences"));
  std::string yaml = kSmallCluster;
  yaml.replace(yaml.find("storage: {"), 10, "storage: {retain: false, ");
  ASSERT_TRUE(apply(yaml));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(object(kube::kConfigMap, "demo-home-anchor")["metadata"]["ownerReferences"][0]["name"],
            "demo");
  EXPECT_EQ(object(kube::kStatefulSet,
                   "demo-home-1001")["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"],
            "Delete");
}

}  // namespace
}  // namespace longhaul::tests
