// A region is founded once (docs/decisions/0002-birth.md), whenever the operator dies and whenever
// a volume is lost.
#include <nlohmann/json.hpp>

#include "tests/operator/operator_fixture.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;
using kube::kKafkaCluster;

class BirthTest : public OperatorTest {
 protected:
  std::string cluster_id() {
    Json anchor = Json::parse(
        object(kube::kConfigMap, "demo-home-anchor")["data"]["anchor.json"].get<std::string>());
    return anchor["clusterId"];
  }
  std::string format() {
    Json set = object(kube::kStatefulSet, "demo-home-1001");
    for (const Json& entry : set["spec"]["template"]["spec"]["containers"][0]["env"])
      if (entry["name"] == "LONGHAUL_FORMAT") return entry["value"];
    return "";
  }
  bool reachable() {
    return exists(kube::kService, "demo-home-brokers") ||
           exists(kube::kService, "demo-home-bootstrap");
  }
};
INSTANTIATE_TEST_SUITE_P(Api, BirthTest, testing::Values("local", "real"));

TEST_P(BirthTest, NobodyReachesABrokerThatMayStillFound) {
  ASSERT_TRUE(apply(kSmallCluster));
  node_->sets_are_observed = false;
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Founding");
  EXPECT_EQ(format(), "join");
  EXPECT_EQ(node_->founded, 1);
  EXPECT_FALSE(reachable());  // the StatefulSet controller may still have the old template
  node_->sets_are_observed = true;
  settle();
  EXPECT_TRUE(reachable());
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
}

TEST_P(BirthTest, LostVolumeIsNotFoundedAgain) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  ASSERT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
  node_->lose_volumes();
  settle();
  EXPECT_EQ(node_->founded, 1);
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/BrokersNotReady");
}

TEST_P(BirthTest, VolumeEmptiedUnderItsPodIsNotFoundedAgain) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  ASSERT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
  node_->empty_volume("demo-home-1001");
  settle();
  EXPECT_EQ(node_->founded, 1);
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/BrokersNotReady");
}

TEST_P(BirthTest, NobodyJoinsBeforeTheRegionIsFounded) {
  std::string yaml = kSmallCluster;
  yaml.replace(yaml.find("[{name: a}]"), 11, "[{name: a}, {name: b}, {name: c}]");
  ASSERT_TRUE(apply(yaml));
  node_->sets_are_observed = false;
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Founding");
  EXPECT_FALSE(exists(kube::kStatefulSet, "demo-home-1002"));
  node_->sets_are_observed = true;
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(kafka_.changes, "+1002 +1003 ");
  EXPECT_EQ(node_->founded, 1);
}

TEST_P(BirthTest, LostAnchorIsNotMadeAnew) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  remove(kube::kConfigMap, "demo-home-anchor");
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/AnchorLost");
  EXPECT_FALSE(exists(kube::kConfigMap, "demo-home-anchor"));
}

TEST_P(BirthTest, VolumeOfAnotherClusterIsRefused) {
  ASSERT_TRUE(apply(kSmallCluster));
  node_->pods_run = false;
  settle();
  node_->pods_run = true;
  node_->step();
  node_->volume().cluster_id = "AnotherClusterAAAAAAAA";
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/WrongCluster");
  EXPECT_FALSE(reachable());
}

/// The operator dies after each number of writes; the volume is lost at that moment, with its pod
/// or under it; the next operator goes on.
TEST_P(BirthTest, DeathAtEveryWrite) {
  for (int round = 0;; ++round) {
    int writes = round / 2;
    bool under_its_pod = round % 2 == 1;
    name_space_ = server_->make_namespace();
    kafka_.volume = nullptr;
    node_ = std::make_unique<FakeNode>(server_->transport(), name_space_, kafka_);
    operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
    ASSERT_TRUE(apply(kSmallCluster));
    operator_->transport.most_writes = writes;
    bool finished = false;
    for (int i = 0; i < 40 && !operator_->transport.died && !finished; ++i) {
      int before = operator_->transport.writes;
      operator_->round();
      node_->step();
      finished = operator_->transport.writes == before && !operator_->transport.died &&
                 ready(kKafkaCluster, "demo") == "True/Ready";
    }
    bool was_reachable = reachable();
    int founded_before = node_->founded;
    if (node_->has_volume() && under_its_pod)
      node_->empty_volume("demo-home-1001");
    else if (node_->has_volume())
      node_->lose_volumes();
    operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
    settle();
    if (was_reachable) {
      EXPECT_EQ(node_->founded, founded_before) << "after " << writes << " writes";
      EXPECT_NE(ready(kKafkaCluster, "demo"), "True/Ready");
    } else if (ready(kKafkaCluster, "demo") == "True/Ready") {
      EXPECT_EQ(node_->volume().cluster_id, cluster_id());
    }
    if (was_reachable || ready(kKafkaCluster, "demo") == "True/Ready") {
      EXPECT_EQ(format(), "join");
    }
    if (finished && under_its_pod) break;
    ASSERT_LT(writes, 60);
  }
}

}  // namespace
}  // namespace longhaul::tests
