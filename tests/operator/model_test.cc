// Desired objects, and the types they are made from.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/api/kafka_topic.h"
#include "operator/kube/difference.h"
#include "operator/model/desired.h"
#include "tests/operator/yaml.h"

namespace longhaul::op::model {
namespace {

using api::FieldErrors;
using kube::Json;

Json cluster_object(const std::string& spec) {
  Json object = tests::parse_yaml(
                    "apiVersion: longhaul.dev/v1alpha1\nkind: KafkaCluster\n"
                    "metadata: {name: orders, namespace: prod, uid: u1}\nspec: " +
                    spec)
                    ->front();
  return object;
}

std::vector<std::string> mistakes(const std::string& spec) {
  FieldErrors errors;
  api::KafkaCluster cluster = api::read_kafka_cluster(cluster_object(spec), errors);
  if (errors.empty()) errors = api::validate(cluster);
  std::vector<std::string> out;
  for (const api::FieldError& error : errors) out.push_back(error.to_string());
  return out;
}

const char* const kGood =
    "{version: 1.0, regions: [{name: us, zones: [{name: la}], storage: {volumes: [{size: 5Gi}]}}]}";

TEST(ValidateTest, DefaultsAreFilledIn) {
  FieldErrors errors;
  api::KafkaCluster cluster = api::read_kafka_cluster(
      cluster_object("{version: 0.1.0, regions: [{name: us, zones: [{name: la}, {name: w, witness: "
                     "true}], storage: {volumes: [{size: 5Gi}]}}]}"),
      errors);
  EXPECT_TRUE(errors.empty()) << api::join(errors);
  EXPECT_TRUE(api::validate(cluster).empty()) << api::join(api::validate(cluster));
  ASSERT_EQ(cluster.listeners.size(), 1u);
  EXPECT_EQ(cluster.listeners[0].name, "internal");
  EXPECT_EQ(cluster.regions[0].zones[0].brokers, 1);
  EXPECT_EQ(cluster.regions[0].zones[1].brokers, 0);
  EXPECT_TRUE(cluster.regions[0].storage.retain);
}

TEST(ValidateTest, MistakesComeWithTheirPath) {
  EXPECT_EQ(mistakes(kGood), std::vector<std::string>{"spec.version: must be a text, not number"});
  EXPECT_EQ(mistakes("{version: v, regions: [], brokers: 3}"),
            (std::vector<std::string>{"spec.brokers: unknown field"}));
  EXPECT_EQ(mistakes("{version: v, regions: []}"),
            (std::vector<std::string>{"spec.regions: must hold a region"}));
  EXPECT_EQ(
      mistakes("{version: v, listeners: [{name: a, port: 9093}, {name: a, port: 70000}], regions: "
               "[{name: US, zones: [{name: a, brokers: 0}, {name: a}], storage: {volumes: [{size: "
               "big}]}}], links: [{name: l, from: x, to: US, topics: []}]}"),
      (std::vector<std::string>{"spec.listeners[0].port: port 9093 is taken (9093: controllers, "
                                "9404: health and metrics)",
                                "spec.listeners[1].name: \"a\" is there twice",
                                "spec.listeners[1].port: must be 1 to 65535",
                                "spec.regions[0].name: must be lower-case letters, digits and '-', "
                                "beginning with a letter",
                                "spec.regions[0].zones[0].brokers: must be at least 1",
                                "spec.regions[0].zones[1].name: \"a\" is there twice",
                                "spec.regions[0].storage.volumes[0].size: \"big\" is not a "
                                "quantity such as 500m, 2, 512Mi "
                                "or 100Gi",
                                "spec.links[0].from: no region \"x\"",
                                "spec.links[0].topics: must hold a pattern, such as \".*\""}));
}

TEST(ValidateTest, OptionsThatContradictEachOther) {
  auto wrong = [](const std::string& config) {
    FieldErrors errors;
    api::KafkaCluster cluster = api::read_kafka_cluster(
        cluster_object("{version: v, config: " + config +
                       ", regions: [{name: us, zones: [{name: a}, {name: b}, {name: w, witness: "
                       "true}], storage: {volumes: [{size: 1Gi}]}}]}"),
        errors);
    if (errors.empty()) errors = api::validate(cluster);
    if (errors.empty()) errors = check_effective_config(cluster);
    return api::join(errors);
  };
  EXPECT_EQ(wrong("{}"), "");
  EXPECT_EQ(wrong("{default.replication.factor: 2, min.insync.replicas: 2}"), "");
  EXPECT_EQ(wrong("{default.replication.factor: 1, min.insync.replicas: 2}"),
            "spec.config[min.insync.replicas]: is 2, and topics get 1 replicas "
            "(default.replication.factor)");
  EXPECT_EQ(wrong("{default.replication.factor: 3, min.insync.replicas: 3}"),
            "spec.config[default.replication.factor]: is 3, and region us has 2 brokers; "
            "spec.config[min.insync.replicas]: is 3, and region us has 2 brokers");
  for (const char* ours : {"metadata.log.dir", "controller.quorum.voters", "log.dirs", "listeners",
                           "security.inter.broker.protocol"})
    EXPECT_EQ(wrong("{" + std::string(ours) + ": x}"),
              "spec.config[" + std::string(ours) + "]: is set by the operator");
  EXPECT_EQ(wrong("{longhaul.durabilty: fsync}"),
            "spec.config[longhaul.durabilty]: unknown option; did you mean longhaul.durability?");
  EXPECT_EQ(wrong("{broker.heartbeat.interval.ms: 9000, broker.session.timeout.ms: 9000}")
                .find("spec.config[broker.heartbeat.interval.ms]: "),
            0u);
  EXPECT_EQ(wrong("{replica.selector.class: com.example.Selector}")
                .find("spec.config[replica.selector.class]: "),
            0u);
}

TEST(ValidateTest, TopicsThatNobodyCouldWriteTo) {
  FieldErrors errors;
  api::KafkaTopic topic = api::read_kafka_topic(
      {{"metadata", {{"name", "t"}}},
       {"spec", {{"cluster", "c"}, {"replicas", 2}, {"config", {{"min.insync.replicas", 3}}}}}},
      errors);
  EXPECT_EQ(api::join(api::validate(topic)),
            "spec.config[min.insync.replicas]: is 3, and the topic has 2 replicas");
  topic.replicas = 3;
  EXPECT_EQ(api::join(api::validate(topic)), "");
}

TEST(ValidateTest, NothingInASpecEndsTheProcess) {
  for (const char* spec :
       {"7", "[]", "null", "{regions: {a: b}}", "{regions: [null, 7, [[]]]}", "{config: [1]}",
        "{config: {a: {b: c}}}", "{listeners: [{port: x}]}", "{regions: [{zones: [[{}]]}]}",
        "{regions: [{storage: {volumes: {}}}]}", "{links: [{topics: [1, {}]}]}"})
    EXPECT_FALSE(mistakes(spec).empty()) << spec;
}

TEST(NotImplementedTest, PathsInOrder) {
  FieldErrors errors;
  api::KafkaCluster cluster = api::read_kafka_cluster(
      cluster_object("{version: v, regions: [{name: us, kubeconfigSecret: k, zones: [{name: a, "
                     "witness: true, kubeconfigSecret: z}], storage: {volumes: [{size: 1Gi}]}}]}"),
      errors);
  EXPECT_EQ(api::not_implemented(cluster),
            (std::vector<std::string>{"spec.regions[0].kubeconfigSecret",
                                      "spec.regions[0].zones[0].kubeconfigSecret"}));
}

class DesiredTest : public testing::Test {
 protected:
  DesiredTest()
      : object_(cluster_object(
            "{version: 0.1.0, config: {num.partitions: 12, auto.create.topics.enable: false}, "
            "listeners: [{name: internal, port: 9092}, {name: more, port: 9095}], "
            "regions: [{name: us, zones: [{name: la}], storage: {volumes: [{size: 5Gi, "
            "storageClassName: nvme}]}, resources: {requests: {cpu: 500m}}}]}")) {
    FieldErrors errors;
    cluster_ = api::read_kafka_cluster(object_, errors);
    EXPECT_TRUE(errors.empty());
    anchor_ = make_anchor(cluster_, 0, random_);
  }
  RegionModel model() { return {cluster_, object_, anchor_, options_, pod_ips_}; }
  std::string properties(const AnchorNode& node) {
    return broker_config_map(model(), node)["data"]["server.properties"];
  }
  std::string env(const Json& set, const std::string& name) {
    for (const Json& entry : set["spec"]["template"]["spec"]["containers"][0]["env"])
      if (entry["name"] == name) return entry.value("value", entry.dump());
    return "";
  }

  Json object_;
  api::KafkaCluster cluster_;
  base::SeededRandom random_{1};
  Anchor anchor_;
  ModelOptions options_;
  std::map<int64_t, std::string> pod_ips_;
};

TEST_F(DesiredTest, AnchorBothWays) {
  EXPECT_EQ(anchor_.founder().id, 1001);
  Json map = to_config_map(anchor_, cluster_, object_);
  auto read = read_anchor(map);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->cluster_id, anchor_.cluster_id);
  EXPECT_EQ(read->founder().zone, "la");
  EXPECT_EQ(read->birth, Birth::kFounding);
  for (const char* bad : {"", "{}", "[]", "{\"format\":1}", "{\"format\":2}"}) {
    map["data"]["anchor.json"] = bad;
    EXPECT_FALSE(read_anchor(map)) << bad;
  }
}

TEST_F(DesiredTest, ServerPropertiesHoldEverything) {
  std::string text = properties(anchor_.founder());
  for (const char* line :
       {"node.id=1001", "broker.rack=la", "process.roles=broker,controller", "num.partitions=12",
        "auto.create.topics.enable=false",
        "listeners=INTERNAL://${env:POD_IP}:9092,MORE://${env:POD_IP}:9095,"
        "CONTROLLER://${env:POD_IP}:9093",
        "advertised.listeners=INTERNAL://${env:LONGHAUL_ADVERTISED_HOST}:9092,"
        "MORE://${env:LONGHAUL_ADVERTISED_HOST}:9095,"
        "CONTROLLER://${env:LONGHAUL_ADVERTISED_HOST}:9093",
        "controller.quorum.bootstrap.servers=${env:LONGHAUL_ADVERTISED_HOST}:9093",
        "listener.security.protocol.map=INTERNAL:PLAINTEXT,MORE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs=${env:LONGHAUL_DATA}/log", "longhaul.format=${env:LONGHAUL_FORMAT}"})
    EXPECT_NE(text.find("\n" + std::string(line) + "\n"), std::string::npos) << line << "\n"
                                                                             << text;
  // An identity that outlives the disk would hide that the disk was lost.
  EXPECT_EQ(text.find("longhaul.directory.id"), std::string::npos);
}

TEST_F(DesiredTest, FirstControllersComeFromAllZonesAndNeedNoRestart) {
  cluster_.regions[0].zones = {{"la", 3}, {"chi", 3}};
  std::string hash = template_hash(model(), anchor_.founder());
  EXPECT_TRUE(add_nodes(anchor_, cluster_.regions[0]));
  EXPECT_FALSE(add_nodes(anchor_, cluster_.regions[0]));
  EXPECT_EQ(template_hash(model(), anchor_.founder()), hash);
  std::string at = "controller.quorum.bootstrap.servers=${env:LONGHAUL_ADVERTISED_HOST}:9093";
  for (int id : {1004, 1002, 1005, 1003})
    at += ",orders-us-" + std::to_string(id) + "-0.orders-us-brokers.prod.svc:9093";
  EXPECT_EQ(bootstrap_property(model(), anchor_.founder()), at + "\n");

  options_.advertise = Advertise::kPodIp;
  pod_ips_ = {{1001, "10.0.0.1"}, {1002, "fd00::2"}, {1006, "10.0.0.6"}};
  EXPECT_EQ(bootstrap_property(model(), anchor_.founder()),
            "controller.quorum.bootstrap.servers=${env:LONGHAUL_ADVERTISED_HOST}:9093,"
            "[fd00::2]:9093\n");
  Json old = broker_config_map(model(), anchor_.founder());
  pod_ips_.clear();
  cluster_.config["num.partitions"] = "13";
  Json now = broker_config_map(model(), anchor_.founder());
  EXPECT_EQ(now.dump().find("fd00::2"), std::string::npos);
  keep_bootstrap_property(now, old);
  EXPECT_NE(now.dump().find("[fd00::2]:9093"), std::string::npos);
  EXPECT_NE(now.dump().find("num.partitions=13"), std::string::npos);
}

TEST_F(DesiredTest, WitnessIsAControllerThatNoClientReaches) {
  cluster_.regions[0].zones = {{"w", 0, true}, {"la", 2}};
  EXPECT_TRUE(add_nodes(anchor_, cluster_.regions[0]));
  auto read = read_anchor(to_config_map(anchor_, cluster_, object_));
  ASSERT_TRUE(read) << read.error().message;
  const AnchorNode& witness = read->nodes[2];
  EXPECT_TRUE(witness.witness && witness.zone == "w" && !read->nodes[1].witness);
  std::string text = properties(witness);
  for (const char* line :
       {"node.id=1003", "process.roles=controller", "listeners=CONTROLLER://${env:POD_IP}:9093",
        "advertised.listeners=CONTROLLER://${env:LONGHAUL_ADVERTISED_HOST}:9093"})
    EXPECT_NE(text.find("\n" + std::string(line) + "\n"), std::string::npos) << line << "\n"
                                                                             << text;
  EXPECT_EQ(text.find("inter.broker"), std::string::npos);
  Json pod = stateful_set(model(), witness)["spec"]["template"];
  EXPECT_EQ(pod["spec"]["containers"][0]["ports"].size(), 2u);
  Json selector = bootstrap_service(model())["spec"]["selector"];
  EXPECT_NE(pod["metadata"]["labels"][kRoleLabel], selector[kRoleLabel]);
}

TEST_F(DesiredTest, BrokersTooManyAreTheLastOfTheirZone) {
  cluster_.regions[0].zones = {{"la", 3}, {"chi", 2}};
  add_nodes(anchor_, cluster_.regions[0]);
  cluster_.regions[0].zones = {{"la", 2}, {"den", 7}};
  std::vector<int64_t> ids;
  for (const AnchorNode& node : surplus_nodes(anchor_, cluster_.regions[0])) ids.push_back(node.id);
  EXPECT_EQ(ids, (std::vector<int64_t>{1003, 1004, 1005}));
}

TEST_F(DesiredTest, StatefulSetOfOneBroker) {
  Json set = stateful_set(model(), anchor_.founder());
  EXPECT_EQ(kube::name_of(set), "orders-us-1001");
  const Json& spec = set["spec"];
  EXPECT_EQ(spec["replicas"], 1);
  EXPECT_EQ(spec["updateStrategy"]["type"], "OnDelete");
  const Json& container = spec["template"]["spec"]["containers"][0];
  EXPECT_EQ(container["image"], "longhaul/longhaul:0.1.0");
  EXPECT_EQ(container["command"],
            (Json::array({"longhaul-broker", "/etc/longhaul/server.properties"})));
  EXPECT_EQ(container["resources"]["requests"]["cpu"], "500m");
  EXPECT_EQ(container["readinessProbe"]["httpGet"]["path"], "/readyz");
  EXPECT_EQ(spec["volumeClaimTemplates"][0]["spec"]["storageClassName"], "nvme");
  EXPECT_EQ(env(set, "LONGHAUL_ADVERTISED_HOST"), "orders-us-1001-0.orders-us-brokers.prod.svc");
  EXPECT_EQ(set["metadata"]["ownerReferences"][0]["uid"], "u1");
  options_.advertise = Advertise::kPodIp;
  EXPECT_NE(env(stateful_set(model(), anchor_.founder()), "LONGHAUL_ADVERTISED_HOST")
                .find("status.podIP"),
            std::string::npos);
}

TEST_F(DesiredTest, OnlyTheFounderMayFoundAndItsTemplateHashIsTheSameAfterwards) {
  anchor_.nodes.push_back({1002, "la"});
  Json founding = stateful_set(model(), anchor_.founder());
  EXPECT_EQ(env(founding, "LONGHAUL_FORMAT"), "found");
  EXPECT_EQ(env(stateful_set(model(), anchor_.nodes[1]), "LONGHAUL_FORMAT"), "join");
  anchor_.birth = Birth::kFounded;
  Json founded = stateful_set(model(), anchor_.founder());
  EXPECT_EQ(env(founded, "LONGHAUL_FORMAT"), "join");
  auto hash = [](const Json& set) {
    return set["spec"]["template"]["metadata"]["annotations"][kTemplateAnnotation];
  };
  EXPECT_EQ(hash(founding), hash(founded));
  cluster_.config["num.partitions"] = "13";
  EXPECT_NE(hash(stateful_set(model(), anchor_.founder())), hash(founded));
}

TEST_F(DesiredTest, Services) {
  Json headless = headless_service(model());
  EXPECT_EQ(headless["spec"]["clusterIP"], "None");
  EXPECT_EQ(headless["spec"]["publishNotReadyAddresses"], true);
  EXPECT_EQ(headless["spec"]["ports"].size(), 3u);
  Json bootstrap = bootstrap_service(model());
  EXPECT_EQ(bootstrap["spec"]["ports"].size(), 2u);
  EXPECT_EQ(bootstrap["spec"]["selector"]["longhaul.dev/region"], "us");
  EXPECT_EQ(bootstrap_address(model()), "orders-us-bootstrap.prod.svc:9092");
}

}  // namespace
}  // namespace longhaul::op::model
