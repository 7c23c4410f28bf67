// CreateTopics (KIP-4, KIP-525).
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "broker/metadata/config_records.h"
#include "broker/metadata/controller.h"
#include "broker/metadata/placement.h"
#include "broker/metadata/topic_name.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using Request = protocol::CreateTopicsRequest;
using Response = protocol::CreateTopicsResponse;
using Wanted = Request::CreatableTopic;
using TopicResult = Response::CreatableTopicResult;

/// One request's worth of decisions; topics of it see each other's names.
class TopicCreation {
 public:
  TopicCreation(const ControllerInput& input, const Request& request)
      : input_(input), request_(request) {}

  Decision<Response> decide();

 private:
  KafkaResult<> check_total() const;
  KafkaResult<> check_name(const std::string& name) const;
  KafkaResult<Assignment> assign(const Wanted& topic) const;
  KafkaResult<Assignment> manual(const Wanted& topic) const;
  KafkaResult<ConfigMap> configs(const Wanted& topic) const;
  KafkaResult<TopicResult> create(const Wanted& topic, MetadataRecords& records);
  TopicResult describe(const Wanted& topic, const base::Uuid& id, const Assignment& assignment,
                       const ConfigMap& own) const;
  int32_t partitions_of(const Wanted& topic) const;

  const ControllerInput& input_;
  const Request& request_;
  std::map<std::string, std::string> created_;  // collision key → name
};

int32_t TopicCreation::partitions_of(const Wanted& topic) const {
  if (!topic.assignments.empty()) return static_cast<int32_t>(topic.assignments.size());
  return topic.num_partitions == -1 ? input_.settings.default_partitions : topic.num_partitions;
}

KafkaResult<> TopicCreation::check_total() const {
  int64_t total = 0;
  for (const Wanted& topic : request_.topics)
    total += int64_t{1} + std::max(0, partitions_of(topic));
  if (total > static_cast<int64_t>(kMaxRecordsPerRequest))
    return kafka_fail(ErrorCode::kPolicyViolation,
                      "Excessively large number of partitions per request.");
  return {};
}

KafkaResult<> TopicCreation::check_name(const std::string& name) const {
  if (auto problem = topic_name_problem(name))
    return kafka_fail(ErrorCode::kInvalidTopicException, *problem);
  if (name == kMetadataTopic)
    return kafka_fail(ErrorCode::kInvalidRequest,
                      fmt::format("Creation of internal topic {} is prohibited.", name));
  if (input_.image.topic_ids.contains(name))
    return kafka_fail(ErrorCode::kTopicAlreadyExists,
                      fmt::format("Topic '{}' already exists.", name));
  if (!may_collide(name)) return {};
  std::string key = collision_key(name);
  const std::string* other = input_.image.topic_collisions.find(key);
  if (auto here = created_.find(key); here != created_.end()) other = &here->second;
  if (other != nullptr)
    return kafka_fail(ErrorCode::kInvalidTopicException,
                      fmt::format("Topic '{}' collides with existing topic: {}", name, *other));
  return {};
}

KafkaResult<Assignment> TopicCreation::manual(const Wanted& topic) const {
  if (topic.replication_factor != -1)
    return kafka_fail(ErrorCode::kInvalidRequest,
                      "A manual partition assignment was specified, but replication factor was not "
                      "set to -1.");
  if (topic.num_partitions != -1)
    return kafka_fail(ErrorCode::kInvalidRequest,
                      "A manual partition assignment was specified, but numPartitions was not set "
                      "to -1.");
  std::map<int32_t, std::vector<int32_t>> chosen;
  std::optional<size_t> replication_factor;
  for (const auto& partition : topic.assignments) {
    if (chosen.count(partition.partition_index) > 0)
      return kafka_fail(ErrorCode::kInvalidReplicaAssignment,
                        fmt::format("Found multiple manual partition assignments for partition {}",
                                    partition.partition_index));
    if (auto checked = check_manual(input_.image, partition.broker_ids, replication_factor);
        !checked)
      return tl::unexpected(checked.error());
    replication_factor = partition.broker_ids.size();
    chosen[partition.partition_index] = partition.broker_ids;
  }
  Assignment result;
  for (auto& [index, replicas] : chosen) {
    if (index != static_cast<int32_t>(result.size()))
      return kafka_fail(ErrorCode::kInvalidReplicaAssignment,
                        "partitions should be a consecutive 0-based integer sequence");
    result.push_back(std::move(replicas));
  }
  return result;
}

KafkaResult<Assignment> TopicCreation::assign(const Wanted& topic) const {
  if (!topic.assignments.empty()) return manual(topic);
  if (topic.replication_factor < -1 || topic.replication_factor == 0)
    return kafka_fail(ErrorCode::kInvalidReplicationFactor,
                      "Replication factor must be larger than 0, or -1 to use the default value.");
  if (topic.num_partitions < -1 || topic.num_partitions == 0)
    return kafka_fail(ErrorCode::kInvalidPartitions,
                      "Number of partitions was set to an invalid non-positive value.");
  int16_t replication_factor = topic.replication_factor == -1
                                   ? input_.settings.default_replication_factor
                                   : topic.replication_factor;
  return place(input_.image, partitions_of(topic), replication_factor, input_.random);
}

KafkaResult<ConfigMap> TopicCreation::configs(const Wanted& topic) const {
  ConfigResource resource{ResourceType::kTopic, topic.name};
  ConfigMap own;
  std::string nulls;
  for (const auto& config : topic.configs) {
    if (!config.value) nulls += (nulls.empty() ? "" : ",") + config.name;
  }
  if (!nulls.empty())
    return kafka_fail(ErrorCode::kInvalidConfig,
                      "Null value not supported for topic configs: " + nulls);
  for (const auto& config : topic.configs) {
    auto done =
        input_.configs.alter(resource, own, {config.name, config::Operation::kSet, config.value});
    if (!done) return tl::unexpected(done.error());
  }
  if (auto done = input_.configs.check(resource, own); !done) return tl::unexpected(done.error());
  return own;
}

TopicResult TopicCreation::describe(const Wanted& topic, const base::Uuid& id,
                                    const Assignment& assignment, const ConfigMap& own) const {
  TopicResult result;
  result.name = topic.name;
  result.topic_id = id;
  result.error_message.reset();
  result.num_partitions = static_cast<int32_t>(assignment.size());
  result.replication_factor = static_cast<int16_t>(assignment.front().size());
  const MetadataImage& image = input_.image;
  auto node = std::to_string(input_.settings.node_id);
  auto& configs = result.configs.emplace();
  for (EffectiveConfig& config :
       input_.configs.describe_topic(own, image.config({ResourceType::kBroker, ""}),
                                     image.config({ResourceType::kBroker, node}))) {
    auto& entry = configs.emplace_back();
    entry.name = std::move(config.name);
    entry.value = std::move(config.value);
    entry.read_only = config.read_only;
    entry.config_source = config.source;
    entry.is_sensitive = config.is_sensitive;
  }
  return result;
}

KafkaResult<TopicResult> TopicCreation::create(const Wanted& topic, MetadataRecords& records) {
  if (auto named = check_name(topic.name); !named) return tl::unexpected(named.error());
  auto own = configs(topic);
  if (!own) return tl::unexpected(own.error());
  auto assignment = assign(topic);
  if (!assignment) return tl::unexpected(assignment.error());

  base::Uuid id = base::Uuid::random(input_.random);
  MetadataRecords made;
  protocol::TopicRecord record;
  record.name = topic.name;
  record.topic_id = id;
  made.emplace_back(std::move(record));
  append_config_records({ResourceType::kTopic, topic.name}, {}, *own, made);
  for (size_t i = 0; i < assignment->size(); ++i) {
    auto partition = new_partition(input_.image, id, static_cast<int32_t>(i), (*assignment)[i]);
    if (!partition) return tl::unexpected(partition.error());
    made.emplace_back(std::move(*partition));
  }
  if (may_collide(topic.name)) created_.emplace(collision_key(topic.name), topic.name);
  std::move(made.begin(), made.end(), std::back_inserter(records));
  return describe(topic, id, *assignment, *own);
}

TopicResult refused(const std::string& name, const protocol::KafkaError& error) {
  TopicResult result;
  result.name = name;
  result.error_code = error.code;
  result.error_message = error.message;
  return result;
}

Decision<Response> TopicCreation::decide() {
  Decision<Response> decision;
  std::map<std::string, int> times;
  for (const Wanted& topic : request_.topics) ++times[topic.name];
  auto total = check_total();
  std::set<std::string> answered;
  for (const Wanted& topic : request_.topics) {
    if (!answered.insert(topic.name).second) continue;
    KafkaResult<TopicResult> result =
        times[topic.name] > 1
            ? kafka_fail(ErrorCode::kInvalidRequest, "the topic is in the request more than once")
            : (total ? create(topic, decision.records) : tl::unexpected(total.error()));
    decision.response.topics.push_back(result ? std::move(*result)
                                              : refused(topic.name, result.error()));
  }
  if (request_.validate_only) decision.records.clear();
  return decision;
}

}  // namespace

Decision<Response> create_topics(const ControllerInput& input, const Request& request) {
  return TopicCreation(input, request).decide();
}

}  // namespace longhaul::broker::metadata
