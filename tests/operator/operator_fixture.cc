#include "tests/operator/operator_fixture.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tests/operator/yaml.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;

base::Result<void> install_crds(kube::Transport& transport) {
  for (const char* file : {"crds/kafkaclusters.yaml", "crds/kafkatopics.yaml"}) {
    LH_ASSIGN(std::vector<Json> documents, load_yaml(file));
    LH_TRY(kube::call(transport, kube::apply(kube::kCustomResourceDefinition, documents[0], "t")));
  }
  auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (const kube::ResourceType* type : {&kube::kKafkaCluster, &kube::kKafkaTopic})
    while (!kube::call(transport, kube::list(*type, {}, 1, ""))) {
      if (std::chrono::steady_clock::now() > limit)
        return base::fail(base::Errc::kTimedOut, "the CRDs are not served");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  return {};
}

}  // namespace

const char* const kSmallCluster = R"(
apiVersion: longhaul.dev/v1alpha1
kind: KafkaCluster
metadata: {name: demo}
spec:
  version: 0.1.0
  config: {num.partitions: 3}
  regions:
    - {name: home, zones: [{name: a}], storage: {volumes: [{size: 1Gi}]}}
)";

base::Result<kube::Response> CountingTransport::send(const kube::Request& request) {
  bool write = request.method != kube::Method::kGet;
  died = died || (write && writes >= most_writes);
  if (died) return base::fail(base::Errc::kUnavailable, "the operator has died");
  if (write) ++writes;
  return inner_.send(request);
}

OperatorLife::OperatorLife(kube::Transport& api, const std::string& ns, op::reconcile::Kafka& kafka,
                           op::model::ModelOptions options)
    : transport(api),
      caches(transport, ns, nullptr, base::Logger(base::null_sink(), "test")),
      writer(transport, clock, base::Logger(base::null_sink(), "test")),
      clusters(
          {caches, writer, kafka, clock, random, options, base::Logger(base::null_sink(), "test")}),
      topics(
          {caches, writer, kafka, clock, random, options, base::Logger(base::null_sink(), "test")}),
      name_space(ns) {}

void OperatorLife::round() {
  int seen = -1;  // how many writes the caches know of
  for (const kube::ResourceType* type : {&kube::kKafkaCluster, &kube::kKafkaTopic}) {
    if (seen != transport.writes) {
      seen = transport.writes;
      auto listed = caches.relist();
      if (transport.died) return;
      ASSERT_TRUE(listed) << listed.error().message;
    }
    for (const kube::ObjectPtr& object : caches.list(*type, name_space, "")) {
      if (type == &kube::kKafkaCluster)
        clusters.reconcile(kube::key_of(*object));
      else
        topics.reconcile(kube::key_of(*object));
    }
  }
}

void OperatorTest::SetUp() {
  server_ = contract_server(GetParam());
  ASSERT_TRUE(server_) << "no kube-apiserver: run e2e/kubernetes/build";
  static std::set<std::string> installed;
  if (installed.insert(GetParam()).second) {
    auto done = install_crds(server_->transport());
    ASSERT_TRUE(done) << done.error().message;
  }
  name_space_ = server_->make_namespace();
  node_ = std::make_unique<FakeNode>(server_->transport(), name_space_, kafka_);
  operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
}

base::Result<void> OperatorTest::apply(const std::string& yaml) {
  LH_ASSIGN(std::vector<Json> documents, parse_yaml(yaml));
  for (Json& document : documents) {
    document["metadata"]["namespace"] = name_space_;
    const kube::ResourceType* type =
        kube::find_resource_type(kube::api_version_of(document), kube::kind_of(document));
    LH_TRY(kube::call(server_->transport(), kube::apply(*type, document, "test")));
  }
  return {};
}

void OperatorTest::TearDown() { EXPECT_EQ(kafka_.deaf, ""); }

void OperatorTest::make(const kube::ResourceType& type, const std::string& name, Json fields) {
  Json object = kube::make_object(type, name_space_, name);
  object.merge_patch(fields);
  auto made = kube::call(server_->transport(), kube::create(type, object));
  ASSERT_TRUE(made) << made.error().message;
}

int OperatorTest::settle() {
  for (int rounds = 1; rounds < 40; ++rounds) {
    int before = operator_->transport.writes;
    operator_->round();
    bool idle = operator_->transport.writes == before;
    node_->step();
    if (!idle) continue;
    // Nothing to do, unless what the node has just done is news.
    operator_->round();
    if (operator_->transport.writes == before) return rounds;
  }
  ADD_FAILURE() << "the operator does not come to rest";
  return 40;
}

void OperatorTest::expect_nothing_left_to_do() {
  int before = operator_->transport.writes;
  for (int i = 0; i < 5; ++i) operator_->round();
  EXPECT_EQ(operator_->transport.writes, before);
  operator_ = std::make_unique<OperatorLife>(server_->transport(), name_space_, kafka_);
  for (int i = 0; i < 3; ++i) operator_->round();
  EXPECT_EQ(operator_->transport.writes, 0);
}

Json OperatorTest::object(const kube::ResourceType& type, const std::string& name) {
  auto found = kube::call(server_->transport(), kube::get(type, name_space_, name));
  EXPECT_TRUE(found) << found.error().message;
  return found ? *found : Json();
}

bool OperatorTest::exists(const kube::ResourceType& type, const std::string& name) {
  return kube::call(server_->transport(), kube::get(type, name_space_, name)).has_value();
}

void OperatorTest::remove(const kube::ResourceType& type, const std::string& name) {
  auto gone = kube::call(server_->transport(), kube::remove(type, name_space_, name, ""));
  EXPECT_TRUE(gone) << gone.error().message;
}

std::string OperatorTest::ready(const kube::ResourceType& type, const std::string& name) {
  Json found = object(type, name);
  const Json& condition = kube::condition_of(found, "Ready");
  return kube::string_at(condition, {"status"}) + "/" + kube::string_at(condition, {"reason"});
}

std::string OperatorTest::message(const kube::ResourceType& type, const std::string& name) {
  Json found = object(type, name);
  return kube::string_at(kube::condition_of(found, "Ready"), {"message"});
}

}  // namespace longhaul::tests
