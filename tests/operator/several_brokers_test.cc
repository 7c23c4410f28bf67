// A region of several brokers: who is made when, who votes, and whose pod is replaced.
#include <nlohmann/json.hpp>

#include "tests/operator/operator_fixture.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;
using kube::kKafkaCluster;

class SeveralBrokersTest : public OperatorTest {
 protected:
  /// "[{name: a, brokers: 2}]"
  base::Result<void> apply_zones(const std::string& zones, const std::string& option = "3") {
    std::string yaml = kSmallCluster;
    yaml.replace(yaml.find("[{name: a}]"), 11, zones);
    yaml.replace(yaml.find("num.partitions: 3"), 17, "num.partitions: " + option);
    return apply(yaml);
  }
  Json anchor() {
    return Json::parse(
        object(kube::kConfigMap, "demo-home-anchor")["data"]["anchor.json"].get<std::string>());
  }
  std::string uid(const std::string& pod) { return kube::uid_of(object(kube::kPod, pod)); }
  Json region_status() { return object(kKafkaCluster, "demo")["status"]["regions"][0]; }
};
INSTANTIATE_TEST_SUITE_P(Api, SeveralBrokersTest, testing::Values("local", "real"));

const char* const kThreeZones = "[{name: a}, {name: b}, {name: c}]";

TEST_P(SeveralBrokersTest, BecomeReadyAndThenNothingIsWritten) {
  ASSERT_TRUE(apply_zones(kThreeZones));
  settle();
  ASSERT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(kafka_.changes, "+1002 +1003 ");
  EXPECT_EQ(region_status()["readyBrokers"], 3);
  EXPECT_EQ(region_status()["quorum"], (Json{{"leader", 1001}, {"voters", {1001, 1002, 1003}}}));
  expect_nothing_left_to_do();
}

TEST_P(SeveralBrokersTest, GrowAndKeepTheirIds) {
  ASSERT_TRUE(apply_zones("[{name: a}]"));
  settle();
  std::string pod = uid("demo-home-1001-0");
  ASSERT_TRUE(apply_zones("[{name: b}, {name: a}, {name: c}]"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(anchor()["nodes"], (Json::array({{{"id", 1001}, {"zone", "a"}},
                                             {{"id", 1002}, {"zone", "b"}},
                                             {{"id", 1003}, {"zone", "c"}}})));
  ASSERT_TRUE(apply_zones("[{name: b, brokers: 2}, {name: a, brokers: 2}, {name: c}]"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(anchor()["nodes"].size(), 5u);
  EXPECT_EQ(kafka_.changes, "+1002 +1003 +1004 +1005 ");
  EXPECT_EQ(uid("demo-home-1001-0"), pod) << "a broker is restarted because others came";
  EXPECT_EQ(node_->founded, 1);
}

TEST_P(SeveralBrokersTest, RemovingBrokersIsRefusedByName) {
  ASSERT_TRUE(apply_zones(kThreeZones));
  settle();
  ASSERT_TRUE(apply_zones("[{name: a}, {name: c}, {name: d}]"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/NotImplemented");
  EXPECT_NE(message(kKafkaCluster, "demo").find("removing brokers (1002 of zone b)"),
            std::string::npos)
      << message(kKafkaCluster, "demo");
  EXPECT_TRUE(exists(kube::kStatefulSet, "demo-home-1002"));
  EXPECT_EQ(anchor()["nodes"].size(), 3u);
}

TEST_P(SeveralBrokersTest, VoterThatLostItsDiskIsRemovedAndAddedAnew) {
  ASSERT_TRUE(apply_zones(kThreeZones));
  settle();
  for (const char* set : {"demo-home-1003", "demo-home-1001"}) {
    kafka_.changes.clear();
    node_->empty_volume(set);
    settle();
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
    std::string id = std::string(set).substr(10);
    EXPECT_EQ(kafka_.changes, "-" + id + " +" + id + " ");
  }
  EXPECT_EQ(node_->founded, 1);
}

TEST_P(SeveralBrokersTest, WitnessVotesAndIsNoBroker) {
  ASSERT_TRUE(apply_zones("[{name: w, witness: true}, {name: a}, {name: b}]"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(message(kKafkaCluster, "demo"), "2 of 2 brokers are ready");
  EXPECT_EQ(kafka_.witnesses, std::set<int64_t>{1003});
  EXPECT_EQ(region_status()["quorum"]["voters"], (Json{1001, 1002, 1003}));
  ASSERT_TRUE(apply_zones("[{name: w}, {name: a}, {name: b}]"));
  settle();
  EXPECT_NE(message(kKafkaCluster, "demo").find("(1003 of zone w)"), std::string::npos);
}

TEST_P(SeveralBrokersTest, BrokerThatDoesNotComeIsNotWaitedForByTheOthers) {
  ASSERT_TRUE(apply_zones("[{name: a, brokers: 3}]"));
  settle();
  kafka_.changes.clear();
  node_->pods_run = false;
  remove(kube::kPod, "demo-home-1002-0");
  node_->step();
  ASSERT_TRUE(apply_zones("[{name: a, brokers: 3}, {name: b}, {name: c}]"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/BrokersNotReady");
  EXPECT_TRUE(exists(kube::kStatefulSet, "demo-home-1005"));
  EXPECT_EQ(kafka_.changes, "");
  node_->pods_run = true;
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(kafka_.changes, "+1004 +1005 ");
}

TEST_P(SeveralBrokersTest, ConfigurationIsTakenOverOneAtATimeWhileAllIsInSync) {
  ASSERT_TRUE(apply_zones(kThreeZones));
  settle();
  std::map<std::string, std::string> before;
  for (const char* pod : {"demo-home-1001-0", "demo-home-1002-0", "demo-home-1003-0"})
    before[pod] = uid(pod);
  kafka_.partitions = {{"orders", 0, {1001, 1002, 1003}, {1001, 1003}}};
  ASSERT_TRUE(apply_zones(kThreeZones, "5"));
  settle();
  // The one that is out of sync may go, the leader is the last.
  EXPECT_NE(uid("demo-home-1002-0"), before["demo-home-1002-0"]);
  EXPECT_EQ(uid("demo-home-1003-0"), before["demo-home-1003-0"]);
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Restarting");
  EXPECT_EQ(message(kKafkaCluster, "demo"),
            "before broker 1003 is restarted: partition orders-0: broker 1002 is not in sync");
  kafka_.partitions[0].in_sync.push_back(1002);
  node_->pods_run = false;
  operator_->round();
  node_->step();  // the template is taken over before the pod goes
  operator_->round();
  operator_->round();
  EXPECT_FALSE(exists(kube::kPod, "demo-home-1003-0"));
  EXPECT_EQ(uid("demo-home-1001-0"), before["demo-home-1001-0"]);
  node_->pods_run = true;
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_NE(uid("demo-home-1001-0"), before["demo-home-1001-0"]);
}

}  // namespace
}  // namespace longhaul::tests
