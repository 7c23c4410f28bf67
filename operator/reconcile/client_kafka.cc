#include "operator/reconcile/client_kafka.h"

#include <algorithm>
#include <cstdlib>

#include "client/admin.h"

namespace longhaul::op::reconcile {
namespace {

using base::Result;

/// A replica fetches at least twice a second, so one that was not at the leader's end for so long
/// lags, or is not there. It is what Apache Kafka's leader asks of a voter it adds.
constexpr int64_t kCurrentMs = 2000;

plan::Quorum to_quorum(const client::QuorumDescription& quorum) {
  // The leader gives its own entry the time of the answer, by the same clock.
  int64_t now = 0;
  for (const auto* all : {&quorum.voters, &quorum.observers})
    for (const client::QuorumReplica& each : *all) now = std::max(now, each.last_caught_up_ms);
  auto replicas = [&](const std::vector<client::QuorumReplica>& all) {
    std::vector<plan::QuorumReplica> out;
    for (const client::QuorumReplica& each : all)
      out.push_back({each.id, each.directory,
                     each.last_caught_up_ms >= 0 && each.last_caught_up_ms + kCurrentMs > now});
    return out;
  };
  return {quorum.leader, replicas(quorum.voters), replicas(quorum.observers)};
}

constexpr const char* kAllBrokers = "";  // as a resource's name

std::map<std::string, std::string> of_source(const std::map<std::string, client::ConfigValue>& all,
                                             client::ConfigSource source) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : all)
    if (value.source == source) out[name] = value.value.value_or("");
  return out;
}

class ClientKafka final : public Kafka {
 public:
  ClientKafka() : thread_("kafka-client"), pool_(thread_, options()) {}

  Result<ClusterState> describe_cluster(const Addresses& brokers) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    LH_ASSIGN(client::ClusterDescription cluster, admin.describe_cluster());
    ClusterState out{cluster.cluster_id, {}};
    for (const client::Node& node : cluster.brokers) out.brokers.push_back(node.id);
    return out;
  }

  Result<plan::Quorum> describe_quorum(const Addresses& brokers) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    LH_ASSIGN(client::QuorumDescription quorum, admin.describe_quorum());
    return to_quorum(quorum);
  }

  Result<void> add_voter(const Addresses& brokers, const std::string& cluster_id,
                         const NewVoter& voter) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    return admin.add_voter(cluster_id, static_cast<int32_t>(voter.replica.id),
                           voter.replica.directory, {"CONTROLLER", voter.host, voter.port});
  }

  Result<void> remove_voter(const Addresses& brokers, const std::string& cluster_id,
                            const plan::QuorumReplica& voter) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    return admin.remove_voter(cluster_id, static_cast<int32_t>(voter.id), voter.directory);
  }

  Result<std::vector<plan::Partition>> list_partitions(const Addresses& brokers) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    LH_ASSIGN(auto topics, admin.list_topics());
    std::vector<std::string> names;
    for (const client::TopicDescription& topic : topics) names.push_back(topic.name);
    if (names.empty()) return std::vector<plan::Partition>();
    LH_ASSIGN(auto minimums, admin.topic_option(names, "min.insync.replicas"));
    std::vector<plan::Partition> out;
    for (client::TopicDescription& topic : topics) {
      int32_t minimum =
          static_cast<int32_t>(std::strtol(minimums[topic.name].c_str(), nullptr, 10));
      for (client::PartitionDescription& each : topic.partitions)
        out.push_back({topic.name, each.index, std::move(each.replicas), std::move(each.in_sync),
                       std::max(minimum, 1)});
    }
    return out;
  }

  Result<std::map<std::string, std::string>> default_options(const Addresses& brokers) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    LH_ASSIGN(auto all, admin.describe_configs(client::ResourceKind::kBroker, kAllBrokers));
    return of_source(all, client::ConfigSource::kDynamicDefaultBroker);
  }

  Result<void> alter_default_options(const Addresses& brokers,
                                     const std::map<std::string, std::string>& set,
                                     const std::vector<std::string>& unset) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    return admin.alter_configs(client::ResourceKind::kBroker, kAllBrokers, set, unset);
  }

  Result<std::optional<TopicState>> describe_topic(const Addresses& brokers,
                                                   const std::string& topic) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    auto found = admin.describe_topic(topic);
    if (!found && found.error().code == base::Errc::kNotFound) return std::nullopt;
    if (!found) return tl::unexpected<base::Error>(found.error());
    TopicState out{found->id, static_cast<int32_t>(found->partitions.size()), 0};
    if (!found->partitions.empty())
      out.replicas = static_cast<int32_t>(found->partitions[0].replicas.size());
    return out;
  }

  Result<void> create_topic(const Addresses& brokers, const NewTopic& topic) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    return admin.create_topic({topic.name, topic.partitions, topic.replicas, topic.config});
  }

  Result<void> delete_topic(const Addresses& brokers, const base::Uuid& topic) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    return admin.delete_topic(topic);
  }

  Result<void> grow_topic(const Addresses& brokers, const std::string& topic,
                          int32_t partitions) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    return admin.create_partitions(topic, partitions);
  }

  Result<std::map<std::string, std::string>> topic_config(const Addresses& brokers,
                                                          const std::string& topic) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    LH_ASSIGN(auto all, admin.describe_configs(client::ResourceKind::kTopic, topic));
    return of_source(all, client::ConfigSource::kTopic);
  }

  Result<void> alter_topic_config(const Addresses& brokers, const std::string& topic,
                                  const std::map<std::string, std::string>& set,
                                  const std::vector<std::string>& unset) override {
    LH_ASSIGN(client::Admin admin, admin_for(brokers));
    return admin.alter_configs(client::ResourceKind::kTopic, topic, set, unset);
  }

 private:
  static client::ConnectionOptions options() {
    client::ConnectionOptions options;
    options.connect_timeout = std::chrono::seconds(5);
    options.request_timeout = std::chrono::seconds(20);
    options.largest_answer = 16u << 20;
    return options;
  }

  Result<client::Admin> admin_for(const Addresses& brokers) {
    std::vector<client::Endpoint> endpoints;
    for (const std::string& address : brokers) {
      LH_ASSIGN(client::Endpoint endpoint, client::parse_endpoint(address));
      endpoints.push_back(std::move(endpoint));
    }
    return client::Admin(pool_, std::move(endpoints));
  }

  client::IoThread thread_;
  client::Pool pool_;
};

}  // namespace

std::unique_ptr<Kafka> make_client_kafka() { return std::make_unique<ClientKafka>(); }

}  // namespace longhaul::op::reconcile
