// The rights that the manifests give are enough for everything the operator does.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "operator/kube/lease.h"
#include "tests/operator/operator_fixture.h"
#include "tests/operator/real_apiserver.h"
#include "tests/operator/yaml.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;

constexpr const char* kUser = "test-operator";

class RbacTest : public OperatorTest {
 protected:
  void SetUp() override {
    OperatorTest::SetUp();
    if (IsSkipped()) return;
    auto credentials = RealApiServer::shared()->credentials_of(kUser);
    ASSERT_TRUE(credentials) << credentials.error().message;
    auto transport = kube::make_http_transport(*credentials);
    ASSERT_TRUE(transport) << transport.error().message;
    transport_ = std::move(*transport);
    auto documents = load_yaml("manifests/operator.yaml");
    ASSERT_TRUE(documents) << documents.error().message;
    for (Json& document : *documents) install(document);
    operator_ = std::make_unique<OperatorLife>(*transport_, name_space_, kafka_);
  }

  /// Roles as they stand; bindings to the test's user.
  void install(Json& document) {
    std::string kind = kube::kind_of(document);
    if (kind.find("Role") == kind.npos) return;
    bool everywhere = kind.starts_with("Cluster");
    if (!everywhere) document["metadata"]["namespace"] = name_space_;
    if (document.contains("subjects"))
      document["subjects"] = Json::array(
          {{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "User"}, {"name", kUser}}});
    kube::Request request{kube::Method::kPatch, "/apis/rbac.authorization.k8s.io/v1/", {}, {}, {}};
    if (!everywhere) request.path += "namespaces/" + name_space_ + "/";
    for (char c : kind) request.path.push_back(static_cast<char>(tolower(c)));
    request.path += "s/" + kube::name_of(document);
    request.query = {{"fieldManager", "test"}};
    request.content_type = "application/apply-patch+yaml";
    request.body = document.dump();
    auto made = kube::call(server_->transport(), request);
    EXPECT_TRUE(made) << made.error().message;
  }

  std::unique_ptr<kube::Transport> transport_;
};
INSTANTIATE_TEST_SUITE_P(Api, RbacTest, testing::Values("real"));

TEST_P(RbacTest, AreEnoughForALifeAndNoMore) {
  std::string yaml = kSmallCluster;
  ASSERT_TRUE(apply(yaml));
  ASSERT_TRUE(apply(
      "apiVersion: longhaul.dev/v1alpha1\nkind: KafkaTopic\nmetadata: {name: t}\nspec: {cluster: "
      "demo}"));
  settle();
  EXPECT_EQ(ready(kube::kKafkaCluster, "demo"), "True/Ready")
      << message(kube::kKafkaCluster, "demo");
  EXPECT_EQ(ready(kube::kKafkaTopic, "t"), "True/Ready") << message(kube::kKafkaTopic, "t");
  yaml.replace(yaml.find("num.partitions: 3"), 17, "num.partitions: 5");
  ASSERT_TRUE(apply(yaml));  // deletes the pod
  remove(kube::kKafkaTopic, "t");
  settle();
  EXPECT_EQ(ready(kube::kKafkaCluster, "demo"), "True/Ready")
      << message(kube::kKafkaCluster, "demo");
  EXPECT_FALSE(exists(kube::kKafkaTopic, "t"));

  base::SystemClock clock;
  kube::LeaseOptions options;
  options.name_space = name_space_;
  options.name = "longhaul-operator";
  options.identity = "me";
  kube::LeaderElector elector(*transport_, clock, options);
  for (int i = 0; i < 2; ++i) {
    auto tick = elector.tick();
    EXPECT_TRUE(tick) << tick.error().message;
  }
  EXPECT_EQ(
      kube::call(*transport_, kube::list(kube::kSecret, {name_space_, ""}, 1, "")).error().code,
      base::Errc::kPermission);
}

}  // namespace
}  // namespace longhaul::tests
