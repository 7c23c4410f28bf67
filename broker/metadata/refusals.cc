#include "broker/metadata/refusals.h"

namespace longhaul::broker::metadata {
namespace {

template <class Answer>
void put(Answer& answer, const KafkaError& error) {
  answer.error_code = error.code;
  answer.error_message = error.message;
}

template <class Response, class Request>
Response refuse_resources(const Request& request, const KafkaError& error) {
  Response response;
  for (const auto& resource : request.resources) {
    auto& answer = response.responses.emplace_back();
    answer.resource_type = resource.resource_type;
    answer.resource_name = resource.resource_name;
    put(answer, error);
  }
  return response;
}

template <class Response>
Response refuse_whole(const KafkaError& error) {
  Response response;
  response.error_code = error.code;
  return response;
}

}  // namespace

protocol::CreateTopicsResponse refuse(const protocol::CreateTopicsRequest& request,
                                      const KafkaError& error) {
  protocol::CreateTopicsResponse response;
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    put(answer, error);
  }
  return response;
}

protocol::DeleteTopicsResponse refuse(const protocol::DeleteTopicsRequest& request,
                                      const KafkaError& error) {
  protocol::DeleteTopicsResponse response;
  for (const auto& topic : request.topics) {
    auto& answer = response.responses.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    put(answer, error);
  }
  for (const std::string& name : request.topic_names) {
    auto& answer = response.responses.emplace_back();
    answer.name = name;
    put(answer, error);
  }
  return response;
}

protocol::CreatePartitionsResponse refuse(const protocol::CreatePartitionsRequest& request,
                                          const KafkaError& error) {
  protocol::CreatePartitionsResponse response;
  for (const auto& topic : request.topics) {
    auto& answer = response.results.emplace_back();
    answer.name = topic.name;
    put(answer, error);
  }
  return response;
}

protocol::IncrementalAlterConfigsResponse refuse(
    const protocol::IncrementalAlterConfigsRequest& request, const KafkaError& error) {
  return refuse_resources<protocol::IncrementalAlterConfigsResponse>(request, error);
}

protocol::AlterConfigsResponse refuse(const protocol::AlterConfigsRequest& request,
                                      const KafkaError& error) {
  return refuse_resources<protocol::AlterConfigsResponse>(request, error);
}

protocol::BrokerRegistrationResponse refuse(const protocol::BrokerRegistrationRequest&,
                                            const KafkaError& error) {
  return refuse_whole<protocol::BrokerRegistrationResponse>(error);
}

protocol::BrokerHeartbeatResponse refuse(const protocol::BrokerHeartbeatRequest&,
                                         const KafkaError& error) {
  return refuse_whole<protocol::BrokerHeartbeatResponse>(error);
}

protocol::ControllerRegistrationResponse refuse(const protocol::ControllerRegistrationRequest&,
                                                const KafkaError& error) {
  auto response = refuse_whole<protocol::ControllerRegistrationResponse>(error);
  response.error_message = error.message;
  return response;
}

protocol::AllocateProducerIdsResponse refuse(const protocol::AllocateProducerIdsRequest&,
                                             const KafkaError& error) {
  return refuse_whole<protocol::AllocateProducerIdsResponse>(error);
}

protocol::UpdateFeaturesResponse refuse(const protocol::UpdateFeaturesRequest&,
                                        const KafkaError& error) {
  auto response = refuse_whole<protocol::UpdateFeaturesResponse>(error);
  response.error_message = error.message;
  return response;
}

protocol::UnregisterBrokerResponse refuse(const protocol::UnregisterBrokerRequest&,
                                          const KafkaError& error) {
  auto response = refuse_whole<protocol::UnregisterBrokerResponse>(error);
  response.error_message = error.message;
  return response;
}

protocol::AlterPartitionResponse refuse(const protocol::AlterPartitionRequest&,
                                        const KafkaError& error) {
  return refuse_whole<protocol::AlterPartitionResponse>(error);
}

protocol::ElectLeadersResponse refuse(const protocol::ElectLeadersRequest&,
                                      const KafkaError& error) {
  return refuse_whole<protocol::ElectLeadersResponse>(error);
}

protocol::AlterPartitionReassignmentsResponse refuse(
    const protocol::AlterPartitionReassignmentsRequest&, const KafkaError& error) {
  auto response = refuse_whole<protocol::AlterPartitionReassignmentsResponse>(error);
  response.error_message = error.message;
  return response;
}

protocol::ListPartitionReassignmentsResponse refuse(
    const protocol::ListPartitionReassignmentsRequest&, const KafkaError& error) {
  auto response = refuse_whole<protocol::ListPartitionReassignmentsResponse>(error);
  response.error_message = error.message;
  return response;
}

protocol::AssignReplicasToDirsResponse refuse(const protocol::AssignReplicasToDirsRequest&,
                                              const KafkaError& error) {
  return refuse_whole<protocol::AssignReplicasToDirsResponse>(error);
}

}  // namespace longhaul::broker::metadata
