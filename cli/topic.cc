#include <fmt/core.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/kafka.h"
#include "cli/table.h"
#include "client/admin.h"
#include "client/io_thread.h"

namespace longhaul::cli {
namespace {

using base::Errc;
using base::Result;
using op::kube::Json;

/// A connection for one command.
Result<void> with_admin(const GlobalOptions& global, const KafkaOptions& kafka,
                        const std::function<Result<void>(client::Admin&)>& body) {
  LH_ASSIGN(auto brokers, find_brokers(global, kafka));
  client::IoThread thread("kafka");
  client::ConnectionOptions options;
  client::Pool pool(thread, options);
  client::Admin admin(pool, std::move(brokers));
  return body(admin);
}

/// Brokers with their zones, as far as those are known: "1001/a".
class BrokerNames {
 public:
  explicit BrokerNames(const client::ClusterDescription& cluster) {
    for (const client::Node& node : cluster.brokers) racks_[node.id] = node.rack;
  }
  std::string of(int32_t broker) const {
    auto found = racks_.find(broker);
    bool known = found != racks_.end() && !found->second.empty();
    return std::to_string(broker) + (known ? "/" + found->second : "");
  }
  std::string of(const std::vector<int32_t>& brokers) const {
    std::string out;
    for (int32_t broker : brokers) out += (out.empty() ? "" : ",") + of(broker);
    return out;
  }

 private:
  std::map<int32_t, std::string> racks_;
};

/// The KafkaTopic that keeps a topic as it is, or JSON null. Only the running `up` (or the given
/// kubeconfig) is asked; with --bootstrap alone Kubernetes is none of our business.
Result<Json> managing_object(const GlobalOptions& global, const KafkaOptions& kafka,
                             const std::string& topic) {
  if (!kafka.bootstrap.empty() && global.kubeconfig.empty()) return Json();
  LH_ASSIGN(Kubernetes kubernetes, open_kubernetes(global));
  LH_ASSIGN(auto objects, list_objects(*kubernetes.transport, op::kube::kKafkaTopic, ""));
  for (Json& object : objects) {
    std::string name =
        op::kube::string_at(object, {"spec", "topicName"}, op::kube::name_of(object));
    std::string cluster = op::kube::string_at(object, {"spec", "cluster"});
    if (name == topic && (kafka.cluster.empty() || kafka.cluster == cluster))
      return std::move(object);
  }
  return Json();
}

Result<void> delete_object(const GlobalOptions& global, const Json& object) {
  LH_ASSIGN(Kubernetes kubernetes, open_kubernetes(global));
  LH_TRY(op::kube::call(*kubernetes.transport,
                        op::kube::remove(op::kube::kKafkaTopic, op::kube::namespace_of(object),
                                         op::kube::name_of(object), op::kube::uid_of(object))));
  fmt::print("deleted KafkaTopic {}; the operator deletes its topic\n", op::kube::name_of(object));
  return {};
}

Result<void> describe(client::Admin& admin, const std::string& name) {
  LH_ASSIGN(client::TopicDescription topic, admin.describe_topic(name));
  LH_ASSIGN(auto config, admin.describe_configs(client::ResourceKind::kTopic, name));
  LH_ASSIGN(client::ClusterDescription cluster, admin.describe_cluster());
  fmt::print("topic {}  id {}{}\n", topic.name, topic.id.to_string(),
             topic.internal ? "  (internal)" : "");
  for (const auto& [option, value] : config)
    if (value.source == client::ConfigSource::kTopic)
      fmt::print("  {} = {}\n", option, value.value.value_or("(hidden)"));
  BrokerNames names(cluster);
  std::vector<std::vector<std::string>> rows;
  for (const client::PartitionDescription& one : topic.partitions)
    rows.push_back({std::to_string(one.index), one.leader < 0 ? "none" : names.of(one.leader),
                    names.of(one.replicas), names.of(one.in_sync)});
  fmt::print("{}", format_table({"PARTITION", "LEADER", "REPLICAS", "IN SYNC"}, rows, "  "));
  return {};
}

Result<client::TopicSpec> to_spec(const NewTopic& topic) {
  client::TopicSpec spec{topic.name, topic.partitions, topic.replicas, {}};
  for (const std::string& pair : topic.config) {
    size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0)
      return base::fail(Errc::kInvalidArgument,
                        "--config " + pair + ": must be NAME=VALUE, such as retention.ms=3600000");
    spec.config[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return spec;
}

}  // namespace

int run_topic_list(const GlobalOptions& global, const KafkaOptions& kafka, bool internal) {
  return report(with_admin(global, kafka, [&](client::Admin& admin) -> Result<void> {
    LH_ASSIGN(auto topics, admin.list_topics());
    std::vector<std::vector<std::string>> rows;
    for (const client::TopicDescription& topic : topics) {
      if (topic.internal && !internal) continue;
      size_t replicas = topic.partitions.empty() ? 0 : topic.partitions[0].replicas.size();
      rows.push_back({topic.name, std::to_string(topic.partitions.size()), std::to_string(replicas),
                      topic.id.to_string()});
    }
    fmt::print("{}", format_table({"TOPIC", "PARTITIONS", "REPLICAS", "ID"}, rows));
    return {};
  }));
}

int run_topic_describe(const GlobalOptions& global, const KafkaOptions& kafka,
                       const std::string& topic) {
  return report(
      with_admin(global, kafka, [&](client::Admin& admin) { return describe(admin, topic); }));
}

int run_topic_create(const GlobalOptions& global, const KafkaOptions& kafka,
                     const NewTopic& topic) {
  return report([&]() -> Result<void> {
    LH_ASSIGN(client::TopicSpec spec, to_spec(topic));
    LH_TRY(
        with_admin(global, kafka, [&](client::Admin& admin) { return admin.create_topic(spec); }));
    fmt::print("created topic {}\n", topic.name);
    return {};
  }());
}

int run_topic_delete(const GlobalOptions& global, const KafkaOptions& kafka,
                     const std::string& topic) {
  return report([&]() -> Result<void> {
    // A topic that a KafkaTopic describes would come back.
    LH_ASSIGN(Json object, managing_object(global, kafka, topic));
    if (!object.is_null()) return delete_object(global, object);
    LH_TRY(
        with_admin(global, kafka, [&](client::Admin& admin) { return admin.delete_topic(topic); }));
    fmt::print("deleted topic {}\n", topic);
    return {};
  }());
}

}  // namespace longhaul::cli
