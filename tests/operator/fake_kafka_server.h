// A broker in memory that speaks Kafka's protocol on loopback: what the operator asks, no more.
#pragma once

#include <atomic>
#include <map>
#include <string>

#include "base/random.h"
#include "base/uuid.h"
#include "tests/client/fake_broker.h"

namespace longhaul::tests {

class FakeKafkaServer {
 public:
  FakeKafkaServer();
  uint16_t port() const { return broker_.endpoint().port; }
  /// Before the first request.
  void set_cluster_id(const std::string& id) { cluster_id_ = id; }
  int topics() const { return count_; }

 private:
  struct Topic {
    base::Uuid id;
    int32_t partitions = 1;
  };
  base::Bytes answer(const protocol::RequestFrame& request);
  base::Bytes metadata(const protocol::RequestFrame& request);
  base::Bytes quorum(const protocol::RequestFrame& request);
  base::Bytes create(const protocol::RequestFrame& request);
  base::Bytes configs(const protocol::RequestFrame& request);

  std::string cluster_id_;
  base::SeededRandom random_{3};
  std::map<std::string, Topic> topics_;
  std::atomic<int> count_{0};
  FakeBroker broker_;
};

}  // namespace longhaul::tests
