#include <algorithm>
#include <chrono>

#include "broker/handlers/handlers.h"

namespace longhaul::broker::handlers {
namespace {

using metadata::ControllerClient;

// Altering has no timeout of its own in the protocol; this is what Kafka's clients wait.
constexpr std::chrono::milliseconds kDefaultTimeout{30'000};

template <class Request>
std::chrono::milliseconds timeout_of(const Request& request) {
  if constexpr (requires { request.timeout_ms; }) {
    return std::chrono::milliseconds(std::max(request.timeout_ms, 0));
  } else {
    return kDefaultTimeout;
  }
}

/// Decodes a request, lets the controller decide, and answers.
template <class Request, class Response>
void forward(Services& services, Call call,
             void (ControllerClient::*decide)(Request, metadata::ReplyTo,
                                              ControllerClient::Done<Response>)) {
  auto request = call.decode<Request>();
  if (!request) return;
  call.release_frame();
  metadata::ReplyTo reply_to{&call.loop(), services.clock.monotonic() + timeout_of(*request)};
  (services.controller.*decide)(
      std::move(*request), reply_to,
      [call = std::move(call)](const Response& response) mutable { call.respond(response); });
}

}  // namespace

void handle_create_topics(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::create_topics);
}

void handle_delete_topics(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::delete_topics);
}

void handle_create_partitions(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::create_partitions);
}

void handle_incremental_alter_configs(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::incremental_alter_configs);
}

void handle_alter_configs(Services& services, Call call) {
  forward(services, std::move(call), &ControllerClient::alter_configs);
}

}  // namespace longhaul::broker::handlers
