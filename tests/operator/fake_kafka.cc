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
  std::multiset<std::string> open;
  for (const auto& [id, port] : ports) open.insert(port);
  for (const std::string& address : brokers) {
    auto found = open.find(address.substr(address.rfind(':') + 1));
    if (found != open.end())
      open.erase(found);
    else
      deaf += address + " ";
  }
  if (volume && !brokers.empty() && has_majority()) return {};
  return base::fail(Errc::kUnavailable, "connection refused");
}

Result<ClusterState> FakeKafka::describe_cluster(const Addresses& brokers) {
  LH_TRY(reach(brokers));
  ClusterState state{volume->cluster_id, {}};
  for (const auto& [id, directory] : running)
    if (!witnesses.contains(id)) state.brokers.push_back(static_cast<int32_t>(id));
  return state;
}

void FakeKafka::forget() {
  volume = nullptr;
  ports.clear();
  running.clear();
  witnesses.clear();
  voters.clear();
  changes.clear();
}

bool FakeKafka::has_majority() const {
  size_t up = 0;
  for (const auto& [id, directory] : voters) {
    auto found = running.find(id);
    up += found != running.end() && found->second == directory;
  }
  return up > voters.size() / 2;
}

Result<op::plan::Quorum> FakeKafka::describe_quorum(const Addresses& brokers) {
  LH_TRY(reach(brokers));
  op::plan::Quorum quorum;
  for (const auto& [id, directory] : voters) {
    auto found = running.find(id);
    bool current = found != running.end() && found->second == directory;
    if (current && quorum.leader < 0) quorum.leader = id;
    quorum.voters.push_back({id, directory, current});
  }
  for (const auto& [id, directory] : running)
    if (auto voter = voters.find(id); voter == voters.end() || voter->second != directory)
      quorum.observers.push_back({id, directory, true});
  return quorum;
}

Result<void> FakeKafka::add_voter(const Addresses& brokers, const std::string& cluster_id,
                                  const op::reconcile::NewVoter& voter) {
  LH_TRY(reach(brokers));
  auto [id, directory, current] = voter.replica;
  if (cluster_id != volume->cluster_id || voter.host.empty() || voter.port != 9093)
    return base::fail(Errc::kInvalidArgument, "INVALID_REQUEST");
  if (!voters.emplace(id, directory).second)
    return base::fail(Errc::kAlreadyExists, "DUPLICATE_VOTER");
  changes += "+" + std::to_string(id) + " ";
  return {};
}

Result<void> FakeKafka::remove_voter(const Addresses& brokers, const std::string& cluster_id,
                                     const op::plan::QuorumReplica& voter) {
  LH_TRY(reach(brokers));
  auto found = voters.find(voter.id);
  if (cluster_id != volume->cluster_id || found == voters.end() || found->second != voter.directory)
    return base::fail(Errc::kNotFound, "VOTER_NOT_FOUND");
  voters.erase(found);
  changes += "-" + std::to_string(voter.id) + " ";
  return {};
}

Result<std::vector<op::plan::Partition>> FakeKafka::list_partitions(const Addresses& brokers) {
  LH_TRY(reach(brokers));
  std::vector<op::plan::Partition> out = partitions;
  for (op::plan::Partition& each : out)
    std::erase_if(each.in_sync, [&](int32_t id) { return !running.contains(id); });
  return out;
}

Result<std::map<std::string, std::string>> FakeKafka::default_options(const Addresses& brokers) {
  LH_TRY(reach(brokers));
  return volume->options;
}

Result<void> FakeKafka::alter_default_options(const Addresses& brokers,
                                              const std::map<std::string, std::string>& set,
                                              const std::vector<std::string>& unset) {
  LH_TRY(reach(brokers));
  if (!options_error.empty()) return base::fail(Errc::kUnavailable, options_error);
  for (const auto& [name, value] : set) volume->options[name] = value;
  for (const std::string& name : unset) volume->options.erase(name);
  return {};
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
  if (topic.replicas > static_cast<int>(running.size()))
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
