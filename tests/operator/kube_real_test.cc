// The transport, the caches and the lease against a real kube-apiserver.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "operator/kube/informer.h"
#include "operator/kube/kubeconfig.h"
#include "operator/kube/lease.h"
#include "tests/operator/real_apiserver.h"
#include "tests/operator/yaml.h"

namespace longhaul::op::kube {
namespace {

using tests::RealApiServer;

class KubeRealTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = RealApiServer::shared();
    ASSERT_TRUE(server_) << "no kube-apiserver: run e2e/kubernetes/build";
    name_space_ = server_->make_namespace();
  }

  Json config_map(const std::string& name, const std::string& value) {
    Json object = make_object(kConfigMap, name_space_, name);
    object["data"]["key"] = value;
    return object;
  }

  RealApiServer* server_ = nullptr;
  std::string name_space_;
};

TEST_F(KubeRealTest, CreatesReplacesAndDeletesWithPreconditions) {
  Transport& api = server_->transport();
  auto created = call(api, create(kConfigMap, config_map("a", "1")));
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(call(api, create(kConfigMap, config_map("a", "1"))).error().code,
            base::Errc::kAlreadyExists);
  Json changed = *created;
  changed["data"]["key"] = "2";
  ASSERT_TRUE(call(api, replace(kConfigMap, changed)));
  EXPECT_EQ(call(api, replace(kConfigMap, changed)).error().code, base::Errc::kConflict);
  EXPECT_EQ(call(api, remove(kConfigMap, name_space_, "a", "another-uid")).error().code,
            base::Errc::kConflict);
  EXPECT_TRUE(call(api, remove(kConfigMap, name_space_, "a", uid_of(*created))));
  EXPECT_EQ(call(api, get(kConfigMap, name_space_, "a")).error().code, base::Errc::kNotFound);
}

TEST_F(KubeRealTest, ErrorsNameFieldAndRequest) {
  Json service = make_object(kService, name_space_, "s");
  service["spec"]["ports"] = Json::array({{{"port", 99999}}});
  auto refused = call(server_->transport(), apply(kService, service, "test"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("PATCH /api/v1/namespaces/"), std::string::npos);
  EXPECT_NE(refused.error().message.find("spec.ports[0].port"), std::string::npos);
}

TEST_F(KubeRealTest, UserWithoutRightsGetsPermissionError) {
  auto credentials = server_->credentials_of("nobody-special");
  ASSERT_TRUE(credentials) << credentials.error().message;
  auto transport = make_http_transport(*credentials);
  ASSERT_TRUE(transport) << transport.error().message;
  auto refused = call(**transport, list(kPod, {name_space_, ""}, 10, ""));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::kPermission);
}

TEST_F(KubeRealTest, UnknownAuthorityIsRefused) {
  Credentials credentials = server_->credentials();
  credentials.ca_pem.clear();
  auto transport = make_http_transport(credentials);
  ASSERT_TRUE(transport);
  auto refused = (*transport)->send(get(kNamespace, "", "default"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::kUnavailable);
}

TEST_F(KubeRealTest, KubeconfigFileWorks) {
  auto credentials = load_kubeconfig(server_->kubeconfig(), "");
  ASSERT_TRUE(credentials) << credentials.error().message;
  auto transport = make_http_transport(*credentials);
  ASSERT_TRUE(transport) << transport.error().message;
  EXPECT_TRUE(call(**transport, get(kNamespace, "", "default")));
}

/// Waits for states of an informer's objects.
class Seen {
 public:
  Informer::Listener listener() {
    return [this](const ObjectKey& key, const ObjectPtr& object) {
      std::lock_guard lock(mutex_);
      last_[key.name] = object ? string_at(*object, {"data", "key"}) : "gone";
      wake_.notify_all();
    };
  }
  bool wait(const std::string& name, const std::string& value) {
    std::unique_lock lock(mutex_);
    return wake_.wait_for(lock, std::chrono::seconds(20), [&] { return last_[name] == value; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::string> last_;
};

TEST_F(KubeRealTest, InformerListsInPagesWatchesAndStops) {
  Transport& api = server_->transport();
  ASSERT_TRUE(call(api, create(kConfigMap, config_map("before", "1"))));
  Seen seen;
  Informer informer(api, kConfigMap, {name_space_, ""}, seen.listener(),
                    base::Logger(base::null_sink(), "test"));
  informer.start();
  ASSERT_TRUE(informer.wait_until_synced(std::chrono::seconds(20)));
  EXPECT_TRUE(seen.wait("before", "1"));
  auto created = call(api, create(kConfigMap, config_map("later", "1")));
  ASSERT_TRUE(created);
  EXPECT_TRUE(seen.wait("later", "1"));
  EXPECT_TRUE(at_path(*informer.store().get({name_space_, "later"}), {"metadata", "managedFields"})
                  .is_null());
  Json changed = *created;
  changed["data"]["key"] = "2";
  ASSERT_TRUE(call(api, replace(kConfigMap, changed)));
  EXPECT_TRUE(seen.wait("later", "2"));
  ASSERT_TRUE(call(api, remove(kConfigMap, name_space_, "before", "")));
  EXPECT_TRUE(seen.wait("before", "gone"));
  EXPECT_EQ(informer.store().get({name_space_, "before"}), nullptr);
  informer.stop();  // must end a watch that has nothing to say
}

TEST_F(KubeRealTest, OneOfTwoCandidatesLeads) {
  base::SystemClock clock;
  LeaseOptions options;
  options.name_space = name_space_;
  options.name = "operator";
  options.identity = "a";
  LeaderElector a(server_->transport(), clock, options);
  options.identity = "b";
  LeaderElector b(server_->transport(), clock, options);
  ASSERT_TRUE(a.tick());
  EXPECT_TRUE(a.is_leader());
  EXPECT_EQ(b.tick().error().code, base::Errc::kConflict);
  ASSERT_TRUE(a.tick());
  ASSERT_TRUE(a.release());
  EXPECT_FALSE(a.is_leader());
  ASSERT_TRUE(b.tick());
  EXPECT_TRUE(b.is_leader());
}

TEST_F(KubeRealTest, DefinitionsAreAcceptedAndHoldTheirRules) {
  auto installed = server_->install_crds();
  ASSERT_TRUE(installed) << installed.error().message;
  auto apply_yaml = [&](const std::string& text) {
    auto documents = tests::parse_yaml(text);
    Json object = documents->front();
    object["metadata"]["namespace"] = name_space_;
    return call(server_->transport(),
                apply(*find_resource_type(api_version_of(object), kind_of(object)), object, "me"));
  };
  const std::string head = "apiVersion: longhaul.dev/v1alpha1\nkind: KafkaCluster\n";
  auto good = apply_yaml(head + R"(
metadata: {name: orders}
spec:
  version: 0.1.0
  config: {num.partitions: 12, auto.create.topics.enable: true, x.ratio: 0.5}
  regions:
    - {name: us, zones: [{name: la, brokers: 2}, {name: den, witness: true}], storage: {volumes: [{size: 1Gi}]}}
    - {name: sg, zones: [{name: a}], storage: {volumes: [{size: 1Gi}]}}
  links: [{name: l, from: us, to: sg, topics: [".*"], bandwidth: 5Mi}]
)");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(int_at((*good)["spec"]["listeners"][0], {"port"}), 9092);
  EXPECT_EQ(at_path((*good)["spec"]["regions"][0], {"storage", "retain"}), Json(true));
  auto moved = apply_yaml(head + R"(
metadata: {name: orders}
spec:
  version: 0.1.0
  regions:
    - {name: sg, zones: [{name: a}], storage: {volumes: [{size: 1Gi}]}}
    - {name: us, zones: [{name: la}], storage: {volumes: [{size: 1Gi}]}}
)");
  ASSERT_FALSE(moved);
  EXPECT_NE(moved.error().message.find("removed at the end only"), std::string::npos)
      << moved.error().message;
  auto bad = apply_yaml(head + R"(
metadata: {name: bad}
spec:
  version: 0.1.0
  listeners: [{name: a, port: 9404}]
  regions: [{name: us, zones: [{name: a}], storage: {volumes: [{size: 1Gi}]}}]
)");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("spec.listeners[0].port"), std::string::npos);
  const std::string topic = "apiVersion: longhaul.dev/v1alpha1\nkind: KafkaTopic\n";
  ASSERT_TRUE(apply_yaml(topic + "metadata: {name: t}\nspec: {cluster: orders, topicName: a.b}"));
  auto renamed = apply_yaml(topic + "metadata: {name: t}\nspec: {cluster: orders, topicName: c}");
  ASSERT_FALSE(renamed);
  EXPECT_NE(renamed.error().message.find("cannot be renamed"), std::string::npos);
}

}  // namespace
}  // namespace longhaul::op::kube
