#include "tests/operator/fake_kafka.h"

namespace longhaul::tests {

using base::Errc;
using base::Result;
using op::reconcile::ClusterState;
using op::reconcile::NewTopic;
using op::reconcile::TopicState;

Result<void> FakeKafka::reach(const Addresses& brokers) {
  std::lock_guard lock(mutex_);
  ++calls;
  if (volume && !brokers.empty()) return {};
  return base::fail(Errc::kUnavailable, "connection refused");
}

Result<ClusterState> FakeKafka::describe_cluster(const Addresses& brokers) {
  LH_TRY(reach(brokers));
  return ClusterState{volume->cluster_id, {node_id}};
}

Result<std::optional<TopicState>> FakeKafka::describe_topic(const Addresses& brokers,
                                                            const std::string& topic) {
  LH_TRY(reach(brokers));
  std::lock_guard lock(mutex_);
  auto found = volume->topics.find(topic);
  if (found == volume->topics.end()) return std::nullopt;
  return found->second.state;
}

Result<void> FakeKafka::create_topic(const Addresses& brokers, const NewTopic& topic) {
  LH_TRY(reach(brokers));
  std::lock_guard lock(mutex_);
  if (topic.replicas > 1)
    return base::fail(Errc::kInvalidArgument, topic.name + ": INVALID_REPLICATION_FACTOR");
  if (volume->topics.contains(topic.name))
    return base::fail(Errc::kAlreadyExists, topic.name + ": TOPIC_ALREADY_EXISTS");
  int32_t partitions = topic.partitions == -1 ? default_partitions : topic.partitions;
  volume->topics[topic.name] = {{base::Uuid::random(random_), partitions, 1}, topic.config};
  return {};
}

Result<void> FakeKafka::delete_topic(const Addresses& brokers, const base::Uuid& topic) {
  LH_TRY(reach(brokers));
  std::lock_guard lock(mutex_);
  size_t gone = std::erase_if(volume->topics,
                              [&](const auto& entry) { return entry.second.state.id == topic; });
  if (gone == 0) return base::fail(Errc::kNotFound, "UNKNOWN_TOPIC_ID");
  return {};
}

Result<void> FakeKafka::grow_topic(const Addresses& brokers, const std::string& topic,
                                   int32_t partitions) {
  LH_TRY(reach(brokers));
  std::lock_guard lock(mutex_);
  volume->topics.at(topic).state.partitions = partitions;
  return {};
}

Result<std::map<std::string, std::string>> FakeKafka::topic_config(const Addresses& brokers,
                                                                   const std::string& topic) {
  LH_TRY(reach(brokers));
  std::lock_guard lock(mutex_);
  return volume->topics.at(topic).config;
}

Result<void> FakeKafka::alter_topic_config(const Addresses& brokers, const std::string& topic,
                                           const std::map<std::string, std::string>& set,
                                           const std::vector<std::string>& unset) {
  LH_TRY(reach(brokers));
  std::lock_guard lock(mutex_);
  auto& config = volume->topics.at(topic).config;
  for (const auto& [name, value] : set) config[name] = value;
  for (const std::string& name : unset) config.erase(name);
  return {};
}

}  // namespace longhaul::tests
