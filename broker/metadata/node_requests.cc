// Requests from any thread to the active controller, here or on another node, and answers back.
#include <memory>
#include <optional>
#include <utility>

#include "broker/metadata/node.h"

namespace longhaul::broker::metadata {

void MetadataNode::submit(ControllerRequestPtr request) {
  params_.loop->post(
      [self = shared_from_this(), request = std::move(request)] { self->route(request); });
}

/// To the active controller, here or on another node.
void MetadataNode::route(const ControllerRequestPtr& request) {
  if (request->reply_to.only_here) {
    if (driver_->raft().is_leader()) return decide_here(request);
    return request->refuse({protocol::ErrorCode::kNotController, "Another node is."});
  }
  LeaderRequests::Pending pending;
  pending.deadline = request->reply_to.deadline;
  pending.here = [weak = weak_from_this(), request] {
    if (auto self = weak.lock()) self->decide_here(request);
  };
  pending.there = [request](client::Channel& channel, base::Callback<void(base::Task)> settled) {
    request->ask(channel, std::move(settled));
  };
  pending.refuse = [request](const protocol::KafkaError& error) { request->refuse(error); };
  leader_requests_->submit(std::move(pending));
}

void MetadataNode::decide_here(const ControllerRequestPtr& request) {
  ControllerOperation operation;
  operation.deadline = request->reply_to.deadline;
  operation.decide = [request](const ControllerInput& input) { return request->decide(input); };
  operation.finish = [weak = weak_from_this(), request](std::optional<protocol::KafkaError> error) {
    bool lost = error && error->code == protocol::ErrorCode::kNotController;
    auto self = weak.lock();
    if (lost && self && !request->reply_to.only_here) return self->route(request);
    error ? request->refuse(*error) : request->answer();
  };
  controller_->submit(std::move(operation));
}

void MetadataNode::heard(int32_t broker, int64_t epoch, int64_t offset) {
  params_.loop->post([self = shared_from_this(), broker, epoch, offset] {
    self->controller_->heard(broker, epoch, offset);
  });
}

void MetadataNode::heartbeat_connection_closed(int32_t broker, int64_t epoch) {
  params_.loop->post([weak = weak_from_this(), broker, epoch] {
    if (auto self = weak.lock()) self->controller_->heartbeat_connection_closed(broker, epoch);
  });
}

}  // namespace longhaul::broker::metadata
