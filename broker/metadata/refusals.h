// Responses to requests that the controller could not decide or not commit in time.
#pragma once

#include "broker/metadata/controller.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::metadata {

using protocol::KafkaError;

protocol::CreateTopicsResponse refuse(const protocol::CreateTopicsRequest& request,
                                      const KafkaError& error);
protocol::DeleteTopicsResponse refuse(const protocol::DeleteTopicsRequest& request,
                                      const KafkaError& error);
protocol::CreatePartitionsResponse refuse(const protocol::CreatePartitionsRequest& request,
                                          const KafkaError& error);
protocol::IncrementalAlterConfigsResponse refuse(
    const protocol::IncrementalAlterConfigsRequest& request, const KafkaError& error);
protocol::AlterConfigsResponse refuse(const protocol::AlterConfigsRequest& request,
                                      const KafkaError& error);
protocol::BrokerRegistrationResponse refuse(const protocol::BrokerRegistrationRequest& request,
                                            const KafkaError& error);
protocol::BrokerHeartbeatResponse refuse(const protocol::BrokerHeartbeatRequest& request,
                                         const KafkaError& error);
protocol::ControllerRegistrationResponse refuse(
    const protocol::ControllerRegistrationRequest& request, const KafkaError& error);
protocol::AllocateProducerIdsResponse refuse(const protocol::AllocateProducerIdsRequest& request,
                                             const KafkaError& error);
protocol::UpdateFeaturesResponse refuse(const protocol::UpdateFeaturesRequest& request,
                                        const KafkaError& error);
protocol::UnregisterBrokerResponse refuse(const protocol::UnregisterBrokerRequest& request,
                                          const KafkaError& error);
protocol::AlterPartitionResponse refuse(const protocol::AlterPartitionRequest& request,
                                        const KafkaError& error);
protocol::ElectLeadersResponse refuse(const protocol::ElectLeadersRequest& request,
                                      const KafkaError& error);
protocol::AlterPartitionReassignmentsResponse refuse(
    const protocol::AlterPartitionReassignmentsRequest& request, const KafkaError& error);
protocol::ListPartitionReassignmentsResponse refuse(
    const protocol::ListPartitionReassignmentsRequest& request, const KafkaError& error);
protocol::AssignReplicasToDirsResponse refuse(const protocol::AssignReplicasToDirsRequest& request,
                                              const KafkaError& error);

}  // namespace longhaul::broker::metadata
