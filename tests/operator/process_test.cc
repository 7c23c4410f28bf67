// The operator's process with ten clusters and a thousand topics, on `local`'s API.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "client/endpoint.h"
#include "local/api/http_server.h"
#include "operator/kube/kubeconfig.h"
#include "tests/operator/fake_kafka_server.h"
#include "tests/operator/fake_node.h"
#include "tests/operator/real_apiserver.h"
#include "tests/operator/yaml.h"

namespace longhaul::tests {
namespace {

namespace kube = op::kube;
using kube::Json;
using std::chrono::steady_clock;

constexpr int kClusters = 10;
constexpr int kTopics = 1000;
constexpr const char* kLease = "longhaul-operator";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = local::HttpServer::start(api_, clock_, 0, base::Logger(base::null_sink(), "api"));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    auto transport = kube::make_http_transport({.server = server_->url()});
    ASSERT_TRUE(transport);
    transport_ = std::move(*transport);
    for (const char* file : {"crds/kafkaclusters.yaml", "crds/kafkatopics.yaml"})
      must(kube::apply(kube::kCustomResourceDefinition, load_yaml(file)->front(), "test"));
    std::ofstream(directory_.path() + "/kubeconfig")
        << local::kubeconfig_text("local", server_->url());
  }

  Json must(const kube::Request& request) {
    auto answer = kube::call(*transport_, request);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *answer : Json();
  }

  void start_operator() {
    metrics_ = fmt::format("127.0.0.1:{}", free_loopback_port());
    process_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{OPERATOR_PROGRAM,
                                 "--kubeconfig=" + directory_.path() + "/kubeconfig",
                                 "--advertise=pod-ip", "--metrics-address=" + metrics_},
        log());
  }
  std::string log() { return directory_.path() + "/operator.log"; }

  /// Until it is true, or for two minutes.
  template <class F>
  bool eventually(F good) {
    auto limit = steady_clock::now() + std::chrono::minutes(2);
    while (!good()) {
      if (steady_clock::now() > limit || !process_->running()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }

  int ready(const kube::ResourceType& type) {
    Json page = must(kube::list(type, {"default", ""}, 5000, ""));
    int count = 0;
    for (const Json& item : page["items"])
      count += kube::string_at(kube::condition_of(item, "Ready"), {"status"}) == "True";
    return count;
  }

  /// A number of /metrics, summed over what `line` begins with.
  double metric(const std::string& line) {
    auto page = (*kube::make_http_transport({.server = "http://" + metrics_}))
                    ->send({kube::Method::kGet, "/metrics", {}, {}, {}});
    if (!page) return -1;
    double sum = 0;
    for (size_t at = 0; (at = page->body.find("\n" + line, at)) != std::string::npos; ++at) {
      size_t value = page->body.rfind(' ', page->body.find('\n', at + 1));
      sum += std::stod(page->body.substr(value));
    }
    return sum;
  }
  double writes() {
    const std::string name = "longhaul_operator_api_requests_total{method=\"";
    return metric(name + "PATCH") + metric(name + "POST") + metric(name + "DELETE");
  }
  std::string lease_version() {
    auto lease = kube::call(*transport_, kube::get(kube::kLease, "default", kLease));
    return lease ? kube::resource_version_of(*lease) : "";
  }

  TemporaryDirectory directory_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  std::unique_ptr<local::Store> store_ = local::Store::in_memory(100000);
  local::Api api_{*store_, clock_, random_};
  std::unique_ptr<local::HttpServer> server_;
  std::unique_ptr<kube::Transport> transport_;
  std::string metrics_;
  std::unique_ptr<ChildProcess> process_;
};

TEST_F(ProcessTest, TenClustersAndAThousandTopicsWithinBudget) {
  std::map<std::string, FakeKafkaServer> brokers;  // by node name's cluster
  FakeKafka unused;
  FakeNode node(*transport_, "default", unused);
  node.pod_ip = "127.0.0.1";
  node.broker = [&](const Json& pod, const std::string& properties) {
    brokers.at(kube::label_of(pod, "longhaul.dev/cluster"))
        .set_cluster_id(property(properties, "longhaul.cluster.id"));
    return true;
  };
  for (int i = 0; i < kClusters; ++i) {
    std::string name = fmt::format("c{}", i);
    std::string yaml = fmt::format(
        "apiVersion: longhaul.dev/v1alpha1\nkind: KafkaCluster\nmetadata: {{name: {}, namespace: "
        "default}}\nspec: {{version: 0.1.0, listeners: [{{name: internal, port: {}}}], regions: "
        "[{{name: home, zones: [{{name: a}}], storage: {{volumes: [{{size: 1Gi}}]}}}}]}}",
        name, brokers[name].port());
    must(kube::apply(kube::kKafkaCluster, parse_yaml(yaml)->front(), "test"));
  }
  start_operator();
  ASSERT_TRUE(eventually([&] {
    node.step();
    return ready(kube::kKafkaCluster) == kClusters;
  })) << *kube::read_text_file(log());

  auto begin = steady_clock::now();
  for (int i = 0; i < kTopics; ++i) {
    Json topic = kube::make_object(kube::kKafkaTopic, "default", fmt::format("t{}", i));
    topic["spec"] = {{"cluster", fmt::format("c{}", i % kClusters)}, {"partitions", 2}};
    must(kube::create(kube::kKafkaTopic, topic));
  }
  ASSERT_TRUE(eventually([&] { return ready(kube::kKafkaTopic) == kTopics; }));
  std::chrono::duration<double> took = steady_clock::now() - begin;
  int made = 0;
  for (auto& [name, broker] : brokers) made += broker.topics();
  EXPECT_EQ(made, kTopics);
  int64_t kilobytes = process_->resident_kilobytes();
  fmt::print("{} topics in {:.1f} s, operator's resident memory {} kB\n", kTopics, took.count(),
             kilobytes);
  if (!kSanitized) {
    EXPECT_LT(kilobytes, 50000);
    EXPECT_LT(took.count(), 60);  // 20 on a quiet machine
  }

  // Idle for two renewals of the lease: it writes nothing else.
  std::string version = lease_version();
  ASSERT_TRUE(eventually([&] { return lease_version() != version; }));
  double before = writes();
  for (int i = 0; i < 2; ++i) {
    version = lease_version();
    ASSERT_TRUE(eventually([&] { return lease_version() != version; }));
  }
  EXPECT_GT(before, kTopics);
  EXPECT_EQ(writes(), before);

  process_.reset();  // SIGTERM, and it ends
  Json lease = must(kube::get(kube::kLease, "default", kLease));
  EXPECT_EQ(kube::string_at(lease, {"spec", "holderIdentity"}), "");
}

TEST_F(ProcessTest, SaysWhatIsWrongWithItsCommandLine) {
  auto output_of = [&](std::vector<std::string> arguments) {
    std::string file = directory_.path() + "/out";
    arguments.insert(arguments.begin(), OPERATOR_PROGRAM);
    {
      ChildProcess process(arguments, file);
      while (process.running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::string text = *kube::read_text_file(file);
    std::ofstream(file, std::ios::trunc);
    return text;
  };
  EXPECT_NE(output_of({"--kubeconfig=/nonexistent"}).find("/nonexistent: No such file"),
            std::string::npos);
  EXPECT_NE(output_of({"--advertise=mars"}).find("mars not in {dns,pod-ip}"), std::string::npos);
  EXPECT_NE(
      output_of({"--kubeconfig=" + directory_.path() + "/kubeconfig", "--metrics-address=nowhere"})
          .find("\"nowhere\" is not ADDRESS:PORT"),
      std::string::npos);
}

}  // namespace
}  // namespace longhaul::tests
