// Whose objects and volumes are whose, and that nothing is founded beside what is there.
#include <nlohmann/json.hpp>

#include "tests/operator/operator_fixture.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;
using kube::kKafkaCluster;

const Json kClaim{
    {"spec",
     {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}};

class IdentityTest : public OperatorTest {
 protected:
  base::Result<void> apply_named(const std::string& cluster, const std::string& region,
                                 bool retain = true) {
    std::string yaml = kSmallCluster;
    yaml.replace(yaml.find("demo"), 4, cluster);
    yaml.replace(yaml.find("home"), 4, region);
    if (!retain) yaml.replace(yaml.find("storage: {"), 10, "storage: {retain: false, ");
    return apply(yaml);
  }
  /// What a garbage collector does: all that has an owner goes with it.
  void delete_cluster() {
    remove(kKafkaCluster, "demo");
    for (const kube::ResourceType* type :
         {&kube::kStatefulSet, &kube::kPod, &kube::kConfigMap, &kube::kService,
          &kube::kServiceAccount, &kube::kPodDisruptionBudget}) {
      Json all = *kube::call(server_->transport(), kube::list(*type, {name_space_, ""}, 100, ""));
      for (const Json& object : all["items"])
        if (object["metadata"].contains("ownerReferences") || type == &kube::kPod)
          kube::call(server_->transport(),
                     kube::remove(*type, name_space_, kube::name_of(object), ""));
    }
    operator_->round();
  }
  std::string anchor() {
    return object(kube::kConfigMap, "demo-home-anchor")["data"]["anchor.json"];
  }
};
INSTANTIATE_TEST_SUITE_P(Api, IdentityTest, testing::Values("local", "real"));

TEST_P(IdentityTest, TwoClustersCannotShareNames) {
  ASSERT_TRUE(apply_named("a", "b-c"));
  settle();
  ASSERT_EQ(ready(kKafkaCluster, "a"), "True/Ready");
  std::string set = object(kube::kStatefulSet, "a-b-c-1001").dump();
  ASSERT_TRUE(apply_named("a-b", "c"));
  ASSERT_TRUE(
      apply("apiVersion: longhaul.dev/v1alpha1\nkind: KafkaTopic\n"
            "metadata: {name: hello}\nspec: {cluster: a-b}\n"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "a-b"), "False/NameTaken");
  EXPECT_EQ(message(kKafkaCluster, "a-b")
                .find("ConfigMap a-b-c-anchor is the anchor of region b-c "
                      "of KafkaCluster a: "),
            0u)
      << message(kKafkaCluster, "a-b");
  EXPECT_FALSE(object(kKafkaCluster, "a-b")["status"].contains("regions"));
  EXPECT_EQ(ready(kube::kKafkaTopic, "hello"), "False/WaitingForCluster");
  // Nor when the first one's anchor is lost.
  Json lost = object(kube::kConfigMap, "a-b-c-anchor");
  remove(kube::kConfigMap, "a-b-c-anchor");
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "a"), "False/AnchorLost");
  EXPECT_EQ(ready(kKafkaCluster, "a-b"), "False/NameTaken") << message(kKafkaCluster, "a-b");
  EXPECT_TRUE(object(kube::kStatefulSet, "a-b-c-1001").dump() == set);
  lost["metadata"].erase("resourceVersion");
  lost["metadata"].erase("uid");
  ASSERT_TRUE(kube::call(server_->transport(), kube::create(kube::kConfigMap, lost)));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "a"), "True/Ready") << message(kKafkaCluster, "a");
  EXPECT_EQ(node_->founded, 1);
}

TEST_P(IdentityTest, SomebodyElsesVolumeIsLeftAlone) {
  make(kube::kPersistentVolumeClaim, "data-demo-home-1001-0", kClaim);
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/NameTaken");
  EXPECT_EQ(message(kKafkaCluster, "demo").find("PersistentVolumeClaim data-demo-home-1001-0 is"),
            0u);
  EXPECT_FALSE(exists(kube::kStatefulSet, "demo-home-1001"));
  EXPECT_FALSE(exists(kube::kConfigMap, "demo-home-anchor"));
}

TEST_P(IdentityTest, SomebodyElsesObjectsAreLeftAlone) {
  make(kube::kConfigMap, "demo-home-1001", {{"data", {{"theirs", "1"}}}});
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/NameTaken");
  EXPECT_EQ(object(kube::kConfigMap, "demo-home-1001")["data"], (Json{{"theirs", "1"}}));
  remove(kube::kConfigMap, "demo-home-1001");
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
}

TEST_P(IdentityTest, RegionIsNotRenamed) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  // A CRD rule forbids it too, but not after the KafkaCluster was deleted.
  delete_cluster();
  ASSERT_TRUE(apply_named("demo", "house"));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/NotImplemented");
  EXPECT_EQ(message(kKafkaCluster, "demo")
                .find("spec.regions[0].name: the region was founded as home (ConfigMap "
                      "demo-home-anchor) and cannot be renamed"),
            0u)
      << message(kKafkaCluster, "demo");
  EXPECT_FALSE(exists(kube::kConfigMap, "demo-house-anchor"));
  EXPECT_EQ(node_->founded, 1);
}

TEST_P(IdentityTest, ClusterMadeAnewGoesOnWithItsRetainedVolumes) {
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  std::string before = anchor();
  delete_cluster();
  EXPECT_FALSE(exists(kube::kStatefulSet, "demo-home-1001"));
  ASSERT_TRUE(apply(kSmallCluster));
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_EQ(anchor(), before);
  EXPECT_EQ(node_->founded, 1);
}

TEST_P(IdentityTest, ClusterMadeAnewWaitsForTheEndOfVolumesThatAreNotRetained) {
  ASSERT_TRUE(apply_named("demo", "home", false));
  settle();
  std::string before = anchor();
  remove(kKafkaCluster, "demo");
  ASSERT_TRUE(apply_named("demo", "home", false));
  settle();
  if (exists(kube::kConfigMap, "demo-home-anchor") && anchor() == before) {  // nobody collects
    EXPECT_EQ(ready(kKafkaCluster, "demo"), "False/Founding");
    EXPECT_NE(message(kKafkaCluster, "demo").find("an earlier KafkaCluster"), std::string::npos);
    for (const kube::ResourceType* type : {&kube::kStatefulSet, &kube::kPod, &kube::kConfigMap}) {
      Json all = *kube::call(server_->transport(), kube::list(*type, {name_space_, ""}, 100, ""));
      for (const Json& object : all["items"])
        if (kube::label_of(object, "longhaul.dev/cluster") == "demo")
          remove(*type, kube::name_of(object));
    }
  }
  node_->lose_volumes();
  settle();
  EXPECT_EQ(ready(kKafkaCluster, "demo"), "True/Ready") << message(kKafkaCluster, "demo");
  EXPECT_NE(anchor(), before);
  EXPECT_EQ(node_->founded, 2);
}

}  // namespace
}  // namespace longhaul::tests
