// A new configuration and everything that breaks while brokers take it over.
#include <nlohmann/json.hpp>

#include "tests/operator/operator_fixture.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;
using kube::kKafkaCluster;

const char* const kThree = "[{name: a}, {name: b}, {name: c}]";

class RollingTest : public OperatorTest {
 protected:
  base::Result<void> apply_cluster(const std::string& zones, const std::string& option) {
    std::string yaml = kSmallCluster;
    yaml.replace(yaml.find("[{name: a}]"), 11, zones);
    yaml.replace(yaml.find("num.partitions: 3"), 17, "num.partitions: " + option);
    return apply(yaml);
  }
  void begin(const std::string& zones = kThree) {
    ASSERT_TRUE(apply_cluster(zones, "3"));
    settle();
    ASSERT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
    kafka_.partitions = {{"orders", 0, {1001, 1002, 1003}, {1001, 1002, 1003}, 2}};
  }
  Json operation() { return kube::at_path(object(kKafkaCluster, "demo"), {"status", "operation"}); }
  static std::string pod(int id) { return "demo-home-" + std::to_string(id) + "-0"; }
  /// num.partitions that a broker runs with, "" if it does not.
  std::string runs_with(int id) {
    if (!kafka_.running.contains(id)) return "";
    return property(node_->started_with[pod(id)], "num.partitions");
  }
  std::string all_run_with() { return runs_with(1001) + runs_with(1002) + runs_with(1003); }
  void crash_on(const std::string& option) {
    node_->crashes = [option](const std::string& properties) {
      return property(properties, "num.partitions") == option;
    };
  }
};
INSTANTIATE_TEST_SUITE_P(Api, RollingTest, testing::Values("local", "real"));

TEST_P(RollingTest, ConfigurationThatDoesNotWorkReachesOneBroker) {
  begin();
  crash_on("5");
  ASSERT_TRUE(apply_cluster(kThree, "5"));
  settle();
  EXPECT_EQ(all_run_with(), "33") << "1002 was the first, the others are as they were";
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Restarting");
  EXPECT_EQ(message(kKafkaCluster, "demo"),
            "before broker 1003 is restarted: broker 1002 is not ready");
  // What crashes meanwhile, in its pod or with it, comes back as it was.
  node_->restart_container(pod(1003));
  EXPECT_EQ(all_run_with(), "33");
  remove(kube::kPod, pod(1003));
  settle();
  EXPECT_EQ(all_run_with(), "33");
  // Even if it does not come back.
  node_->crashes = [](const std::string& properties) {
    return property(properties, "num.partitions") == "5" ||
           property(properties, "node.id") == "1003";
  };
  node_->restart_container(pod(1003));
  settle();
  node_->crashes = nullptr;
  node_->step();
  EXPECT_EQ(runs_with(1003), "3");
  // Nor do those that are made anew by the next operator.
  crash_on("5");
  node_->restart_container(pod(1002));
  operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
  settle();
  EXPECT_EQ(all_run_with(), "33");
  // The next configuration mends the one that is broken, and then goes on.
  ASSERT_TRUE(apply_cluster(kThree, "7"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(all_run_with(), "777");
  expect_nothing_left_to_do();
}

TEST_P(RollingTest, BrokerThatItsOwnTemplateBreaksGoesFirst) {
  begin();
  node_->crashes = [](const std::string& properties) {
    return property(properties, "num.partitions") == "3" &&
           property(properties, "node.id") == "1003";
  };
  node_->restart_container(pod(1003));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/BrokersNotReady");
  ASSERT_TRUE(apply_cluster(kThree, "5"));
  operator_->round();
  node_->step();
  for (int i = 0; i < 6 && runs_with(1003) != "5"; ++i) {
    EXPECT_EQ(runs_with(1001) + runs_with(1002), "33");
    operator_->round();
    node_->step();
  }
  settle();
  EXPECT_EQ(all_run_with(), "555");
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
}

TEST_P(RollingTest, TheTemplateIsTakenOverBeforeThePodGoes) {
  begin();
  node_->sets_are_observed = false;
  std::string uid = kube::uid_of(object(kube::kPod, pod(1002)));
  ASSERT_TRUE(apply_cluster(kThree, "5"));
  settle();
  EXPECT_EQ(message(kKafkaCluster, "demo"),
            "waiting for StatefulSet demo-home-1002 to take its template over");
  EXPECT_EQ(kube::uid_of(object(kube::kPod, pod(1002))), uid);
  // Its turn goes on where another operator finds it, and is nobody else's.
  operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
  settle();
  node_->restart_container(pod(1001));
  EXPECT_EQ(runs_with(1001), "3");
  node_->sets_are_observed = true;
  settle();
  EXPECT_EQ(all_run_with(), "555");
}

TEST_P(RollingTest, RetentionDoesNotWaitForATurn) {
  begin();
  crash_on("5");
  ASSERT_TRUE(apply_cluster(kThree, "5"));
  settle();
  std::string yaml = kSmallCluster;
  yaml.replace(yaml.find("[{name: a}]"), 11, kThree);
  yaml.replace(yaml.find("num.partitions: 3"), 17, "num.partitions: 5");
  yaml.replace(yaml.find("storage: {"), 10, "storage: {retain: false, ");
  ASSERT_TRUE(apply(yaml));
  settle();
  Json set = object(kube::kStatefulSet, "demo-home-1003");
  EXPECT_EQ(set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"], "Delete");
  node_->restart_container(pod(1003));
  EXPECT_EQ(runs_with(1003), "3");
}

TEST_P(RollingTest, BrokersAreAskedWhereTheyListenWhileAPortChanges) {
  begin();
  std::string yaml = kSmallCluster;
  yaml.replace(yaml.find("[{name: a}]"), 11, kThree);
  yaml += "  listeners: [{name: internal, port: 9099}]\n";
  ASSERT_TRUE(apply(yaml));
  ASSERT_TRUE(
      apply("apiVersion: longhaul.dev/v1alpha1\nkind: KafkaTopic\n"
            "metadata: {name: hello}\nspec: {cluster: demo}\n"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  for (int id : {1001, 1002, 1003}) EXPECT_EQ(kafka_.ports[id], "9099") << id;
  EXPECT_EQ(ready(kube::kKafkaTopic, "hello"), "True/Ready");
}

TEST_P(RollingTest, BrokersMustReachEachOtherWhileListenersChange) {
  begin();
  auto listeners = [&](const std::string& list) {
    std::string yaml = kSmallCluster;
    yaml.replace(yaml.find("[{name: a}]"), 11, kThree);
    ASSERT_TRUE(apply(yaml + "  listeners: " + list + "\n"));
    settle();
  };
  listeners("[{name: internal, port: 9092}]");  // nobody takes away what is only a default
  for (const char* list :
       {"[{name: new, port: 9099}]", "[{name: new, port: 9099}, {name: internal, port: 9092}]"}) {
    listeners(list);
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/NotImplemented") << list;
    EXPECT_EQ(message(kKafkaCluster, "demo").find("spec.listeners: brokers reach"), 0u);
    EXPECT_EQ(kafka_.ports[1002], "9092");
  }
  for (const char* list :
       {"[{name: internal, port: 9092}, {name: new, port: 9099}]",
        "[{name: new, port: 9099}, {name: internal, port: 9092}]", "[{name: new, port: 9099}]"}) {
    listeners(list);
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  }
  EXPECT_EQ(kafka_.ports[1002], "9099");
}

TEST_P(RollingTest, NothingOfASpecThatIsWrongIsApplied) {
  begin();
  std::string config = object(kube::kConfigMap, "demo-home-1002").dump();
  const std::pair<const char*, const char*> kWrong[] = {
      {"[{name: a}, {name: b}, {name: c}, {name: d}]", "5, broker.session.timeout.ms: 1"},
      {kThree, "5, min.insync.replicas: 4"}};
  for (const auto& [zones, options] : kWrong) {
    ASSERT_TRUE(apply_cluster(zones, options));
    settle();
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Invalid") << message(kKafkaCluster, "demo");
    EXPECT_TRUE(object(kube::kConfigMap, "demo-home-1002").dump() == config);
    EXPECT_FALSE(exists(kube::kStatefulSet, "demo-home-1004"));
  }
}

TEST_P(RollingTest, OptionsThatChangeWhileBrokersRunNeedNoRoll) {
  begin();
  ASSERT_TRUE(apply_cluster(kThree, "3, min.insync.replicas: 2"));
  kafka_.options_error = "not now";
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Restarting");
  EXPECT_NE(message(kKafkaCluster, "demo").find("is restarted: not now"), std::string::npos);
  kafka_.options_error = "";
  settle();
  ASSERT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  std::map<std::string, std::string>& live = node_->volume().options;
  EXPECT_EQ(live["min.insync.replicas"], "2");
  live["log.retention.ms"] = "5";  // somebody's own
  std::string uid = kube::uid_of(object(kube::kPod, pod(1002)));
  ASSERT_TRUE(apply_cluster(kThree, "3, min.insync.replicas: 1"));
  settle();
  EXPECT_EQ(live["min.insync.replicas"], "1");
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(kube::uid_of(object(kube::kPod, pod(1002))), uid);
  node_->restart_container(pod(1002));
  EXPECT_EQ(property(node_->started_with[pod(1002)], "min.insync.replicas"), "1");
  expect_nothing_left_to_do();
  // What the spec has no longer is taken back, what others set is not.
  ASSERT_TRUE(apply_cluster(kThree, "3"));
  settle();
  EXPECT_EQ(live, (std::map<std::string, std::string>{{"log.retention.ms", "5"}}));
  EXPECT_EQ(property(node_->started_with[pod(1001)], "min.insync.replicas"), "");
  expect_nothing_left_to_do();
}

TEST_P(RollingTest, TheOperationUnderWayIsInStatusUntilItIsOver) {
  begin();
  EXPECT_TRUE(operation().is_null());
  ASSERT_TRUE(apply_cluster(kThree, "5"));
  node_->sets_are_observed = false;
  settle();
  Json roll = operation();
  EXPECT_EQ(roll["kind"], "Roll");
  EXPECT_EQ(roll["node"], 1002);
  EXPECT_EQ(roll["remaining"], (Json{1001, 1002, 1003}));
  EXPECT_EQ(roll["waitsFor"], message(kKafkaCluster, "demo"));
  std::string since = roll["since"];
  // Another operator goes on; the roll lasts until the last replica is in sync.
  operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
  node_->sets_are_observed = true;
  kafka_.partitions[0].in_sync = {1002, 1003};  // 1001 never comes back in sync
  settle();
  roll = operation();
  EXPECT_EQ(roll["kind"], "Roll");
  EXPECT_EQ(roll["waitsFor"].get<std::string>().find("before broker 100"), 0u) << roll;
  EXPECT_EQ(roll["since"], since);
  kafka_.partitions[0].in_sync = {1001, 1002, 1003};
  for (int i = 0; i < 20 && all_run_with() != "555"; ++i) {
    operator_->round();
    node_->step();
  }
  kafka_.partitions[0].in_sync = {1002, 1003};
  settle();
  EXPECT_EQ(all_run_with(), "555");
  EXPECT_EQ(operation()["kind"], "Roll");
  EXPECT_EQ(operation()["waitsFor"], "partition orders-0: broker 1001 is not in sync");
  kafka_.partitions[0].in_sync = {1001, 1002, 1003};
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready");
  EXPECT_TRUE(operation().is_null());
  expect_nothing_left_to_do();
}

TEST_P(RollingTest, GrowthIsAnOperationUntilTheNewBrokersWork) {
  begin();
  node_->lost_zones = {"d"};
  ASSERT_TRUE(apply_cluster("[{name: a}, {name: b}, {name: c}, {name: d}]", "3"));
  settle();
  operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
  settle();
  EXPECT_EQ(operation()["kind"], "ScaleOut");
  EXPECT_EQ(operation()["remaining"], (Json::array({1004})));
  EXPECT_EQ(operation()["waitsFor"], "waiting for pod demo-home-1004-0 to be ready");
  node_->lost_zones = {};
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_TRUE(operation().is_null());
}

TEST_P(RollingTest, LostZoneStopsTheRollUntilItIsBack) {
  begin();
  ASSERT_TRUE(apply_cluster(kThree, "5"));
  for (int i = 0; i < 9 && runs_with(1002) != "5"; ++i) {
    operator_->round();
    node_->step();
  }
  ASSERT_EQ(all_run_with(), "353");
  for (const char* zone : {"c", "b"}) {  // one that waits for its turn, one that had it
    node_->lost_zones = {zone};
    settle();
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Restarting") << zone;
    EXPECT_EQ(runs_with(1001), "3") << message(kKafkaCluster, "demo");
    EXPECT_TRUE(kafka_.has_majority());
    node_->lost_zones = {};
    if (*zone == 'c') {
      node_->step();
    }
  }
  settle();
  EXPECT_EQ(all_run_with(), "555");
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(kafka_.changes, "+1002 +1003 ") << "who votes has nothing to do with it";
}

TEST_P(RollingTest, LostWitnessStopsTheRollUntilItIsBack) {
  const char* kWitness = "[{name: a}, {name: b}, {name: w, witness: true}]";
  begin(kWitness);
  kafka_.partitions = {{"orders", 0, {1001, 1002}, {1001, 1002}, 1}};
  std::string option = "3";
  for (bool under_way : {false, true}) {
    std::string before = option;
    option = under_way ? "7" : "5";
    if (under_way) {
      ASSERT_TRUE(apply_cluster(kWitness, option));
      for (int i = 0; i < 9 && runs_with(1002) != option; ++i) {
        operator_->round();
        node_->step();
      }
    }
    node_->lost_zones = {"w"};
    node_->step();
    ASSERT_TRUE(apply_cluster(kWitness, option));
    settle();
    EXPECT_EQ(runs_with(1002), under_way ? option : before);
    EXPECT_EQ(runs_with(1001), before) << "the quorum would lose its majority";
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Restarting");
    EXPECT_NE(message(kKafkaCluster, "demo").find("broker 1003 is not ready"), std::string::npos)
        << message(kKafkaCluster, "demo");
    node_->lost_zones = {};
    settle();
    EXPECT_EQ(all_run_with(), option + option + option);
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  }
}

}  // namespace
}  // namespace longhaul::tests
