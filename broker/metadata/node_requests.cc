// Requests from any thread to the active controller, here or on another node, and answers back.
#include <memory>
#include <optional>
#include <utility>

#include "broker/metadata/node.h"
#include "broker/metadata/refusals.h"

namespace longhaul::broker::metadata {
template <class Request, class Response>
struct MetadataNode::Exchange {
  Request request;
  Response response;
  ReplyTo reply_to;
  ControllerClient::Done<Response> done;

  /// Hands the response over to the executor that wants it.
  static void answer(const ExchangePtr<Request, Response>& exchange) {
    exchange->reply_to.executor->post(
        [exchange] { exchange->done(std::move(exchange->response)); });
  }
  static void refuse(const ExchangePtr<Request, Response>& exchange,
                     const protocol::KafkaError& error) {
    exchange->response = metadata::refuse(exchange->request, error);
    answer(exchange);
  }
};

template <class Request, class Response>
void MetadataNode::submit(Request request, ReplyTo reply_to, ControllerClient::Done<Response> done,
                          Decision<Response> (*decide)(const ControllerInput&, const Request&)) {
  auto exchange = std::make_shared<Exchange<Request, Response>>(
      Exchange<Request, Response>{std::move(request), Response{}, reply_to, std::move(done)});
  params_.loop->post(
      [self = shared_from_this(), exchange, decide] { self->route(exchange, decide); });
}

/// To the active controller, here or on another node.
template <class Request, class Response>
void MetadataNode::route(const ExchangePtr<Request, Response>& exchange,
                         Decide<Request, Response> decide) {
  using Way = Exchange<Request, Response>;
  if (exchange->reply_to.only_here) {
    if (driver_->raft().is_leader()) return decide_here(exchange, decide);
    return Way::refuse(exchange, {protocol::ErrorCode::kNotController, "Another node is."});
  }
  LeaderRequests::Pending pending;
  pending.deadline = exchange->reply_to.deadline;
  pending.here = [weak = weak_from_this(), exchange, decide] {
    if (auto self = weak.lock()) self->decide_here(exchange, decide);
  };
  pending.there = [exchange](client::Channel& channel, base::Callback<void(base::Task)> settled) {
    auto taken = [exchange](const Response& response) {
      exchange->response = response;
      Way::answer(exchange);
    };
    ask_leader<Response>(channel, exchange->request, taken, std::move(settled));
  };
  pending.refuse = [exchange](const protocol::KafkaError& error) { Way::refuse(exchange, error); };
  leader_requests_->submit(std::move(pending));
}

template <class Request, class Response>
void MetadataNode::decide_here(const ExchangePtr<Request, Response>& exchange,
                               Decide<Request, Response> decide) {
  ControllerOperation operation;
  operation.deadline = exchange->reply_to.deadline;
  operation.decide = [exchange, decide](const ControllerInput& input) {
    Decision<Response> decision = decide(input, exchange->request);
    exchange->response = std::move(decision.response);
    return std::move(decision.records);
  };
  operation.finish = [weak = weak_from_this(), exchange,
                      decide](std::optional<protocol::KafkaError> error) {
    using Way = Exchange<Request, Response>;
    bool lost = error && error->code == protocol::ErrorCode::kNotController;
    auto self = weak.lock();
    if (lost && self && !exchange->reply_to.only_here) return self->route(exchange, decide);
    error ? Way::refuse(exchange, *error) : Way::answer(exchange);
  };
  controller_->submit(std::move(operation));
}

void MetadataNode::create_topics(protocol::CreateTopicsRequest request, ReplyTo reply_to,
                                 ControllerClient::Done<protocol::CreateTopicsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::create_topics);
}

void MetadataNode::delete_topics(protocol::DeleteTopicsRequest request, ReplyTo reply_to,
                                 ControllerClient::Done<protocol::DeleteTopicsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::delete_topics);
}

void MetadataNode::create_partitions(
    protocol::CreatePartitionsRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::CreatePartitionsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::create_partitions);
}

void MetadataNode::incremental_alter_configs(
    protocol::IncrementalAlterConfigsRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::IncrementalAlterConfigsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::incremental_alter_configs);
}

void MetadataNode::alter_configs(protocol::AlterConfigsRequest request, ReplyTo reply_to,
                                 ControllerClient::Done<protocol::AlterConfigsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::alter_configs);
}

void MetadataNode::register_broker(
    protocol::BrokerRegistrationRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::BrokerRegistrationResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::register_broker);
}

void MetadataNode::broker_heartbeat(
    protocol::BrokerHeartbeatRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::BrokerHeartbeatResponse> done) {
  params_.loop->post(
      [self = shared_from_this(), id = request.broker_id, epoch = request.broker_epoch,
       offset = request.current_metadata_offset] { self->controller_->heard(id, epoch, offset); });
  submit(std::move(request), reply_to, std::move(done), &metadata::broker_heartbeat);
}

void MetadataNode::register_controller(
    protocol::ControllerRegistrationRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::ControllerRegistrationResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::register_controller);
}

void MetadataNode::allocate_producer_ids(
    protocol::AllocateProducerIdsRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::AllocateProducerIdsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::allocate_producer_ids);
}

void MetadataNode::update_features(protocol::UpdateFeaturesRequest request, ReplyTo reply_to,
                                   ControllerClient::Done<protocol::UpdateFeaturesResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::update_features);
}

void MetadataNode::unregister_broker(
    protocol::UnregisterBrokerRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::UnregisterBrokerResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::unregister_broker);
}

void MetadataNode::alter_partition(protocol::AlterPartitionRequest request, ReplyTo reply_to,
                                   ControllerClient::Done<protocol::AlterPartitionResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::alter_partition);
}

void MetadataNode::elect_leaders(protocol::ElectLeadersRequest request, ReplyTo reply_to,
                                 ControllerClient::Done<protocol::ElectLeadersResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::elect_leaders);
}

void MetadataNode::alter_partition_reassignments(
    protocol::AlterPartitionReassignmentsRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::AlterPartitionReassignmentsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::alter_partition_reassignments);
}

void MetadataNode::list_partition_reassignments(
    protocol::ListPartitionReassignmentsRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::ListPartitionReassignmentsResponse> done) {
  using Request = protocol::ListPartitionReassignmentsRequest;
  using Listed = Decision<protocol::ListPartitionReassignmentsResponse>;
  submit(
      std::move(request), reply_to, std::move(done),
      +[](const ControllerInput& input, const Request& asked) {
        return Listed{{}, metadata::list_partition_reassignments(input.image, asked)};
      });
}

void MetadataNode::assign_replicas_to_dirs(
    protocol::AssignReplicasToDirsRequest request, ReplyTo reply_to,
    ControllerClient::Done<protocol::AssignReplicasToDirsResponse> done) {
  submit(std::move(request), reply_to, std::move(done), &metadata::assign_replicas_to_dirs);
}

void MetadataNode::heartbeat_connection_reset(int32_t broker, int64_t epoch) {
  params_.loop->post([weak = weak_from_this(), broker, epoch] {
    if (auto self = weak.lock()) self->controller_->heartbeat_connection_reset(broker, epoch);
  });
}

}  // namespace longhaul::broker::metadata
