// The table of what this broker answers, and the way from a request to its handler.
#pragma once

#include <cstdint>
#include <span>

#include "broker/handlers/call.h"
#include "broker/handlers/services.h"
#include "broker/net/request.h"
#include "protocol/api.h"

namespace longhaul::broker::handlers {

/// One API: its versions are those of the protocol's table (protocol/api.h).
struct ApiHandler {
  protocol::ApiKey key;
  bool on_broker;      // served on listeners for clients and brokers
  bool on_controller;  // served on controller.listener.names
  void (*handle)(Services& services, Call call);
};

/// All APIs there are, by key. What is not here is not advertised.
std::span<const ApiHandler> api_handlers();

/// Hands requests over. An API or version that is not served closes the connection, as in Kafka;
/// but an ApiVersions request of an unknown version is told which ones there are (KIP-511).
class Dispatcher final : public net::RequestHandler {
 public:
  explicit Dispatcher(Services services) : services_(std::move(services)) {}
  void handle(net::Request request, net::Reply reply) override;

 private:
  Services services_;
};

}  // namespace longhaul::broker::handlers
