#include "tests/operator/fake_kafka_server.h"

#include "protocol/messages/create_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/metadata.h"

namespace longhaul::tests {

using protocol::ApiKey;
using protocol::RequestFrame;

FakeKafkaServer::FakeKafkaServer()
    : broker_([this](const RequestFrame& request) { return answer(request); }) {}

base::Bytes FakeKafkaServer::answer(const RequestFrame& request) {
  switch (request.api->key) {
    case ApiKey::kApiVersions:
      return FakeBroker::versions(
          request, {ApiKey::kApiVersions, ApiKey::kDescribeCluster, ApiKey::kMetadata,
                    ApiKey::kCreateTopics, ApiKey::kDescribeConfigs, ApiKey::kDescribeQuorum});
    case ApiKey::kMetadata:
      return metadata(request);
    case ApiKey::kDescribeQuorum:
      return quorum(request);
    case ApiKey::kCreateTopics:
      return create(request);
    case ApiKey::kDescribeConfigs:
      return configs(request);
    default:
      break;
  }
  protocol::DescribeClusterResponse cluster;
  cluster.cluster_id = cluster_id_;
  cluster.brokers.push_back({1001, "127.0.0.1", port(), std::nullopt, false});
  return FakeBroker::answer(request, cluster, request.version);
}

base::Bytes FakeKafkaServer::metadata(const RequestFrame& request) {
  auto asked = protocol::MetadataRequest::decode(request.body, request.version);
  protocol::MetadataResponse response;
  for (const auto& wanted : *asked->topics) {
    protocol::MetadataResponse::MetadataResponseTopic topic;
    topic.name = wanted.name;
    auto found = topics_.find(wanted.name.value_or(""));
    if (found == topics_.end()) {
      topic.error_code = protocol::ErrorCode::kUnknownTopicOrPartition;
    } else {
      topic.topic_id = found->second.id;
      for (int32_t i = 0; i < found->second.partitions; ++i)
        topic.partitions.push_back({protocol::ErrorCode::kNone, i, 1001, 0, {1001}, {1001}, {}});
    }
    response.topics.push_back(std::move(topic));
  }
  return FakeBroker::answer(request, response, request.version);
}

base::Bytes FakeKafkaServer::quorum(const RequestFrame& request) {
  protocol::DescribeQuorumResponse response;
  auto& partition = response.topics.emplace_back().partitions.emplace_back();
  partition.leader_id = 1001;
  auto& voter = partition.current_voters.emplace_back();
  voter.replica_id = 1001;
  voter.last_caught_up_timestamp = 1;
  return FakeBroker::answer(request, response, request.version);
}

base::Bytes FakeKafkaServer::create(const RequestFrame& request) {
  auto asked = protocol::CreateTopicsRequest::decode(request.body, request.version);
  protocol::CreateTopicsResponse response;
  for (const auto& wanted : asked->topics) {
    topics_[wanted.name] = {base::Uuid::random(random_), std::max(wanted.num_partitions, 1)};
    protocol::CreateTopicsResponse::CreatableTopicResult result;
    result.name = wanted.name;
    response.topics.push_back(std::move(result));
  }
  count_ = static_cast<int>(topics_.size());
  return FakeBroker::answer(request, response, request.version);
}

base::Bytes FakeKafkaServer::configs(const RequestFrame& request) {
  auto asked = protocol::DescribeConfigsRequest::decode(request.body, request.version);
  protocol::DescribeConfigsResponse response;
  for (const auto& resource : asked->resources) {
    protocol::DescribeConfigsResponse::DescribeConfigsResult result;
    result.resource_type = resource.resource_type;
    result.resource_name = resource.resource_name;
    response.results.push_back(std::move(result));
  }
  return FakeBroker::answer(request, response, request.version);
}

}  // namespace longhaul::tests
