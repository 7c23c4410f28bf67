// Brokers of one region in memory, with the volume that they live on.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/random.h"
#include "operator/reconcile/kafka.h"

namespace longhaul::tests {

/// What a broker's volume holds: a cluster's identity and topics. Lost with the volume.
struct FakeVolume {
  std::string cluster_id;
  struct Topic {
    op::reconcile::TopicState state;
    std::map<std::string, std::string> config;
  };
  std::map<std::string, Topic> topics;
};

/// Answers as a broker would whose volume is `volume`; with none, nobody answers.
class FakeKafka final : public op::reconcile::Kafka {
 public:
  template <class T>
  using Result = base::Result<T>;
  using Addresses = op::reconcile::Addresses;

  FakeVolume* volume = nullptr;
  int32_t node_id = 1001;
  int32_t default_partitions = 1;
  int calls = 0;

  Result<op::reconcile::ClusterState> describe_cluster(const Addresses& brokers) override;
  Result<std::optional<op::reconcile::TopicState>> describe_topic(
      const Addresses& brokers, const std::string& topic) override;
  Result<void> create_topic(const Addresses& brokers, const op::reconcile::NewTopic& t) override;
  Result<void> delete_topic(const Addresses& brokers, const base::Uuid& topic) override;
  Result<void> grow_topic(const Addresses& brokers, const std::string& topic,
                          int32_t partitions) override;
  Result<std::map<std::string, std::string>> topic_config(const Addresses& brokers,
                                                          const std::string& topic) override;
  Result<void> alter_topic_config(const Addresses& brokers, const std::string& topic,
                                  const std::map<std::string, std::string>& set,
                                  const std::vector<std::string>& unset) override;

 private:
  Result<void> reach(const Addresses& brokers);
  std::recursive_mutex mutex_;
  base::SeededRandom random_{7};
};

}  // namespace longhaul::tests
