#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handlers.h"
#include "protocol/messages/describe_cluster.h"

namespace longhaul::broker::handlers {
namespace {

// DescribeCluster's endpoint types (KIP-919).
constexpr int8_t kBrokers = 1;
constexpr int8_t kControllers = 2;

void show_controllers(const metadata::MetadataImage& image, const std::string& listener,
                      protocol::DescribeClusterResponse& response) {
  image.controllers.for_each(
      [&](int32_t id, const metadata::Shared<metadata::ControllerRegistration>& controller) {
        for (const metadata::BrokerEndpoint& endpoint : controller->endpoints) {
          if (endpoint.listener != listener) continue;
          response.brokers.push_back(
              {.broker_id = id, .host = endpoint.host, .port = endpoint.port});
        }
      });
}

}  // namespace

void handle_describe_cluster(Services& services, Call call) {
  auto request = call.decode<protocol::DescribeClusterRequest>();
  if (!request) return;
  protocol::DescribeClusterResponse response;
  bool on_controller = call.request().connection()->controller_listener;
  int8_t served = on_controller ? kControllers : kBrokers;
  if (request->endpoint_type != served) {
    bool known = request->endpoint_type == kBrokers || request->endpoint_type == kControllers;
    response.error_code = known ? protocol::ErrorCode::kMismatchedEndpointType
                                : protocol::ErrorCode::kUnsupportedEndpointType;
    response.error_message = "this listener is for endpoint type " + std::to_string(served);
    return call.respond(response);
  }
  response.endpoint_type = request->endpoint_type;
  auto image = services.image.load();
  const std::string& listener = call.request().connection()->listener;
  response.cluster_id = services.cluster_id;
  if (request->include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kAllClusterOperations;
  }
  if (on_controller) {
    show_controllers(*image, listener, response);
    response.controller_id = services.quorum.leader_id();
    return call.respond(response);
  }
  auto visible = visible_brokers(*image, listener, request->include_fenced_brokers);
  for (const VisibleBroker& each : visible) {
    response.brokers.push_back({.broker_id = each.broker->id,
                                .host = each.endpoint->host,
                                .port = each.endpoint->port,
                                .rack = each.broker->rack,
                                .is_fenced = each.broker->fenced});
  }
  response.controller_id = controller_for_clients(visible, services.config.node_id);
  call.respond(response);
}

}  // namespace longhaul::broker::handlers
