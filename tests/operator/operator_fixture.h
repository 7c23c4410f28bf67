// The reconcilers on a Kubernetes API with a fake node: one step at a time.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "operator/reconcile/cluster_reconciler.h"
#include "operator/reconcile/topic_reconciler.h"
#include "tests/local/contract_server.h"
#include "tests/operator/fake_kafka.h"
#include "tests/operator/fake_node.h"

namespace longhaul::tests {

/// Counts writes, and can stop working after a number of them, as if the operator had died.
class CountingTransport final : public op::kube::Transport {
 public:
  explicit CountingTransport(op::kube::Transport& inner) : inner_(inner) {}
  int writes = 0;
  int most_writes = INT32_MAX;
  bool died = false;  // a write beyond that was tried; nothing works from then on
  base::Result<op::kube::Response> send(const op::kube::Request& request) override;
  base::Result<op::kube::Response> stream(const op::kube::Request& request,
                                          const LineHandler& on_line,
                                          std::stop_token stop) override {
    return inner_.stream(request, on_line, stop);
  }

 private:
  op::kube::Transport& inner_;
};

/// One life of the operator.
struct OperatorLife {
  OperatorLife(op::kube::Transport& api, const std::string& name_space, op::reconcile::Kafka& kafka,
               op::model::ModelOptions options = {});
  /// Lists everything and reconciles every object once.
  void round();

  CountingTransport transport;
  base::SystemClock clock;
  base::SystemRandom random;
  op::reconcile::Caches caches;
  op::reconcile::Writer writer;
  op::reconcile::ClusterReconciler clusters;
  op::reconcile::TopicReconciler topics;
  const std::string name_space;
};

/// The parameter is the name of an API server: "local" or "real".
class OperatorTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Applies YAML documents in the test's namespace; the error, if one is refused.
  base::Result<void> apply(const std::string& yaml);
  /// Rounds of operator and node until neither changes anything; how many it took.
  int settle();
  /// Neither for the operator as it is, nor for one that has just begun and knows nothing.
  void expect_nothing_left_to_do();
  op::kube::Json object(const op::kube::ResourceType& type, const std::string& name);
  /// Somebody else's object; `fields` are merged into it.
  void make(const op::kube::ResourceType& type, const std::string& name, op::kube::Json fields);
  bool exists(const op::kube::ResourceType& type, const std::string& name);
  void remove(const op::kube::ResourceType& type, const std::string& name);
  /// "True/Ready", "False/NotImplemented".
  std::string ready(const op::kube::ResourceType& type, const std::string& name);
  std::string message(const op::kube::ResourceType& type, const std::string& name);

  ContractServer* server_ = nullptr;
  std::string name_space_;
  FakeKafka kafka_;
  std::unique_ptr<FakeNode> node_;
  std::unique_ptr<OperatorLife> operator_;
};

extern const char* const kSmallCluster;  // the YAML of a KafkaCluster "demo" with region "home"

}  // namespace longhaul::tests
