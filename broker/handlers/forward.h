// Requests that the controller decides.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/handlers/handlers.h"

namespace longhaul::broker::handlers {

/// What has no timeout of its own in the protocol waits as long as Kafka's clients do.
inline constexpr std::chrono::milliseconds kDefaultTimeout{30'000};

template <class Request>
std::chrono::milliseconds timeout_of(const Request& request) {
  if constexpr (requires { request.timeout_ms; }) {
    return std::chrono::milliseconds(std::max(request.timeout_ms, 0));
  } else {
    return kDefaultTimeout;
  }
}

/// Decodes a request, lets the controller decide, and answers. On a controllers' listener that is
/// this node or nobody: who asks there looks for the active controller itself.
template <class Request, class Response>
void forward(Services& services, Call call,
             void (metadata::ControllerClient::*decide)(
                 Request, metadata::ReplyTo, metadata::ControllerClient::Done<Response>)) {
  auto request = call.decode<Request>();
  if (!request) return;
  call.release_frame();
  metadata::ReplyTo reply_to{&call.loop(), services.clock.monotonic() + timeout_of(*request),
                             call.request().connection()->controller_listener};
  (services.controller.*decide)(
      std::move(*request), reply_to,
      [call = std::move(call)](const Response& response) mutable { call.respond(response); });
}

}  // namespace longhaul::broker::handlers
