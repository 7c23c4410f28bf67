#include "client/admin.h"

#include <algorithm>

#include "protocol/messages/add_raft_voter.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/remove_raft_voter.h"

namespace longhaul::client {
namespace {

using base::Errc;
using base::Result;
using protocol::ErrorCode;

constexpr int32_t kTimeoutMs = 15000;

Result<void> check(ErrorCode code, const std::string& what,
                   const std::optional<std::string>& message) {
  if (code == ErrorCode::kNone) return {};
  return tl::unexpected<base::Error>(broker_error(code, what, message));
}

TopicDescription to_description(protocol::MetadataResponse::MetadataResponseTopic topic) {
  TopicDescription out{topic.name.value_or(""), topic.topic_id, topic.is_internal, {}};
  for (auto& partition : topic.partitions)
    out.partitions.push_back({partition.partition_index, partition.leader_id,
                              partition.leader_epoch, std::move(partition.replica_nodes),
                              std::move(partition.isr_nodes)});
  std::sort(out.partitions.begin(), out.partitions.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  return out;
}

std::vector<QuorumReplica> to_replicas(
    const std::vector<protocol::DescribeQuorumResponse::ReplicaState>& states) {
  std::vector<QuorumReplica> out;
  for (const auto& state : states)
    out.push_back({state.replica_id, state.replica_directory_id, state.log_end_offset,
                   state.last_caught_up_timestamp});
  return out;
}

}  // namespace

base::Error broker_error(ErrorCode code, const std::string& what,
                         const std::optional<std::string>& message) {
  std::string text = what + ": " + protocol::name(code);
  if (message && !message->empty()) text += ": " + *message;
  switch (code) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kVoterNotFound:
      return {Errc::kNotFound, text};
    case ErrorCode::kTopicAlreadyExists:
    case ErrorCode::kDuplicateVoter:
      return {Errc::kAlreadyExists, text};
    case ErrorCode::kTopicAuthorizationFailed:
    case ErrorCode::kClusterAuthorizationFailed:
      return {Errc::kPermission, text};
    case ErrorCode::kInvalidTopicException:
    case ErrorCode::kInvalidPartitions:
    case ErrorCode::kInvalidReplicationFactor:
    case ErrorCode::kInvalidReplicaAssignment:
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kPolicyViolation:
    case ErrorCode::kUnsupportedVersion:
      return {Errc::kInvalidArgument, text};
    default:
      return {Errc::kUnavailable, text};
  }
}

template <class Response, class Request>
Result<Response> Admin::ask(const Request& request) {
  base::Error last{Errc::kUnavailable, "there is no broker to ask"};
  for (const Endpoint& endpoint : bootstrap_) {
    auto reply = call_and_wait<Response>(*pool_.to(endpoint), request);
    if (reply) return std::move(reply->message);
    last = std::move(reply).error();
    if (last.code == Errc::kUnsupported) break;
  }
  return tl::unexpected<base::Error>(std::move(last));
}

Result<ClusterDescription> Admin::describe_cluster() {
  LH_ASSIGN(auto answer,
            ask<protocol::DescribeClusterResponse>(protocol::DescribeClusterRequest{}));
  LH_TRY(check(answer.error_code, "describe cluster", answer.error_message));
  ClusterDescription out{answer.cluster_id, answer.controller_id, {}};
  for (const auto& broker : answer.brokers)
    out.brokers.push_back({broker.broker_id, broker.host, static_cast<uint16_t>(broker.port),
                           broker.rack.value_or("")});
  return out;
}

Result<QuorumDescription> Admin::describe_quorum() {
  const std::string what = "describe the metadata quorum";
  protocol::DescribeQuorumRequest request;
  request.topics.push_back({"__cluster_metadata", {{0}}});
  LH_ASSIGN(auto answer, ask<protocol::DescribeQuorumResponse>(request));
  LH_TRY(check(answer.error_code, what, answer.error_message));
  if (answer.topics.empty() || answer.topics[0].partitions.empty())
    return base::fail(Errc::kUnavailable, what + ": the broker's answer leaves it out");
  const auto& partition = answer.topics[0].partitions[0];
  LH_TRY(check(partition.error_code, what, partition.error_message));
  return QuorumDescription{partition.leader_id, partition.leader_epoch, partition.high_watermark,
                           to_replicas(partition.current_voters), to_replicas(partition.observers)};
}

Result<void> Admin::add_voter(const std::string& cluster_id, int32_t id,
                              const base::Uuid& directory, const VoterListener& at) {
  protocol::AddRaftVoterRequest request;
  request.cluster_id = cluster_id;
  request.timeout_ms = kTimeoutMs;
  request.voter_id = id;
  request.voter_directory_id = directory;
  request.listeners.push_back({at.name, at.host, at.port});
  LH_ASSIGN(auto answer, ask<protocol::AddRaftVoterResponse>(request));
  return check(answer.error_code, "add voter " + std::to_string(id), answer.error_message);
}

Result<void> Admin::remove_voter(const std::string& cluster_id, int32_t id,
                                 const base::Uuid& directory) {
  protocol::RemoveRaftVoterRequest request;
  request.cluster_id = cluster_id;
  request.voter_id = id;
  request.voter_directory_id = directory;
  LH_ASSIGN(auto answer, ask<protocol::RemoveRaftVoterResponse>(request));
  return check(answer.error_code, "remove voter " + std::to_string(id), answer.error_message);
}

Result<std::vector<TopicDescription>> Admin::list_topics() {
  protocol::MetadataRequest request;
  request.topics = std::nullopt;
  request.allow_auto_topic_creation = false;
  LH_ASSIGN(auto answer, ask<protocol::MetadataResponse>(request));
  std::vector<TopicDescription> out;
  for (auto& topic : answer.topics) {
    LH_TRY(check(topic.error_code, topic.name.value_or("topic"), std::nullopt));
    out.push_back(to_description(std::move(topic)));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

Result<TopicDescription> Admin::describe_topic(const std::string& name) {
  protocol::MetadataRequest request;
  protocol::MetadataRequest::MetadataRequestTopic wanted;
  wanted.name = name;
  request.topics->push_back(std::move(wanted));
  request.allow_auto_topic_creation = false;
  LH_ASSIGN(auto answer, ask<protocol::MetadataResponse>(request));
  for (auto& topic : answer.topics) {
    if (topic.name != name) continue;
    // A topic whose leaders are being elected is there all the same.
    if (topic.error_code != ErrorCode::kLeaderNotAvailable)
      LH_TRY(check(topic.error_code, name, std::nullopt));
    return to_description(std::move(topic));
  }
  return base::fail(Errc::kUnavailable, name + ": the broker's answer leaves it out");
}

Result<void> Admin::create_topic(const TopicSpec& topic) {
  protocol::CreateTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  protocol::CreateTopicsRequest::CreatableTopic wanted;
  wanted.name = topic.name;
  wanted.num_partitions = topic.partitions;
  wanted.replication_factor = topic.replicas;
  for (const auto& [name, value] : topic.config) wanted.configs.push_back({name, value});
  request.topics.push_back(std::move(wanted));
  LH_ASSIGN(auto answer, ask<protocol::CreateTopicsResponse>(request));
  for (const auto& result : answer.topics)
    LH_TRY(check(result.error_code, topic.name, result.error_message));
  return {};
}

Result<void> Admin::delete_topic(const std::string& name) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  protocol::DeleteTopicsRequest::DeleteTopicState state;
  state.name = name;
  request.topics.push_back(std::move(state));
  LH_ASSIGN(auto answer, ask<protocol::DeleteTopicsResponse>(request));
  for (const auto& result : answer.responses)
    LH_TRY(check(result.error_code, name, result.error_message));
  return {};
}

Result<void> Admin::delete_topic(const base::Uuid& id) {
  protocol::DeleteTopicsRequest request;
  request.timeout_ms = kTimeoutMs;
  protocol::DeleteTopicsRequest::DeleteTopicState state;
  state.topic_id = id;
  request.topics.push_back(std::move(state));
  LH_ASSIGN(auto answer, ask<protocol::DeleteTopicsResponse>(request));
  for (const auto& result : answer.responses)
    LH_TRY(check(result.error_code, "topic " + id.to_string(), result.error_message));
  return {};
}

Result<void> Admin::create_partitions(const std::string& topic, int32_t partitions) {
  protocol::CreatePartitionsRequest request;
  request.timeout_ms = kTimeoutMs;
  protocol::CreatePartitionsRequest::CreatePartitionsTopic wanted;
  wanted.name = topic;
  wanted.count = partitions;
  wanted.assignments = std::nullopt;  // the controller places them
  request.topics.push_back(std::move(wanted));
  LH_ASSIGN(auto answer, ask<protocol::CreatePartitionsResponse>(request));
  for (const auto& result : answer.results)
    LH_TRY(check(result.error_code, topic, result.error_message));
  return {};
}

Result<std::map<std::string, ConfigValue>> Admin::describe_configs(ResourceKind kind,
                                                                   const std::string& name) {
  protocol::DescribeConfigsRequest request;
  protocol::DescribeConfigsRequest::DescribeConfigsResource resource;
  resource.resource_type = static_cast<int8_t>(kind);
  resource.resource_name = name;
  resource.configuration_keys = std::nullopt;  // all
  request.resources.push_back(std::move(resource));
  LH_ASSIGN(auto answer, ask<protocol::DescribeConfigsResponse>(request));
  std::map<std::string, ConfigValue> out;
  for (auto& result : answer.results) {
    LH_TRY(check(result.error_code, name, result.error_message));
    for (auto& entry : result.configs)
      out[entry.name] = {std::move(entry.value), static_cast<ConfigSource>(entry.config_source),
                         entry.read_only, entry.is_sensitive};
  }
  return out;
}

Result<std::map<std::string, std::string>> Admin::topic_option(
    const std::vector<std::string>& topics, const std::string& option) {
  protocol::DescribeConfigsRequest request;
  for (const std::string& topic : topics) {
    protocol::DescribeConfigsRequest::DescribeConfigsResource resource;
    resource.resource_type = static_cast<int8_t>(ResourceKind::kTopic);
    resource.resource_name = topic;
    resource.configuration_keys = {option};
    request.resources.push_back(std::move(resource));
  }
  LH_ASSIGN(auto answer, ask<protocol::DescribeConfigsResponse>(request));
  std::map<std::string, std::string> out;
  for (auto& result : answer.results) {
    if (result.error_code == protocol::ErrorCode::kUnknownTopicOrPartition) continue;
    LH_TRY(check(result.error_code, result.resource_name, result.error_message));
    for (auto& entry : result.configs)
      if (entry.value) out[result.resource_name] = *std::move(entry.value);
  }
  return out;
}

Result<void> Admin::alter_configs(ResourceKind kind, const std::string& name,
                                  const std::map<std::string, std::string>& set,
                                  const std::vector<std::string>& unset) {
  constexpr int8_t kSet = 0, kDelete = 1;
  protocol::IncrementalAlterConfigsRequest request;
  protocol::IncrementalAlterConfigsRequest::AlterConfigsResource resource;
  resource.resource_type = static_cast<int8_t>(kind);
  resource.resource_name = name;
  for (const auto& [option, value] : set) resource.configs.push_back({option, kSet, value});
  for (const std::string& option : unset)
    resource.configs.push_back({option, kDelete, std::nullopt});
  request.resources.push_back(std::move(resource));
  LH_ASSIGN(auto answer, ask<protocol::IncrementalAlterConfigsResponse>(request));
  for (const auto& result : answer.responses)
    LH_TRY(check(result.error_code, name, result.error_message));
  return {};
}

}  // namespace longhaul::client
