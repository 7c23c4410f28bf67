// Requests that the active controller decides.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/handlers/call.h"
#include "broker/handlers/services.h"

namespace longhaul::broker::handlers {

/// What Kafka's clients wait where the protocol has no timeout of the request's own.
inline constexpr std::chrono::milliseconds kControllerTimeout{30'000};
/// Nothing waits for a controller for longer, whatever the request says: it is held in memory, also
/// when its connection is gone.
inline constexpr std::chrono::milliseconds kMaxControllerTimeout{60'000};

template <class Request>
std::chrono::milliseconds timeout_of(const Request& request) {
  if constexpr (requires { request.timeout_ms; }) {
    return std::clamp(std::chrono::milliseconds(request.timeout_ms), std::chrono::milliseconds(0),
                      kMaxControllerTimeout);
  } else {
    return kControllerTimeout;
  }
}

/// What a request says beside what it asks for.
template <class Request>
void take_note(Services&, const Call&, const Request&) {}
/// Its connection ends with the broker's process.
inline void take_note(Services& services, const Call& call,
                      const protocol::BrokerHeartbeatRequest& request) {
  call.request().connection()->on_closed = [&controller = services.controller,
                                            id = request.broker_id, epoch = request.broker_epoch] {
    controller.heartbeat_connection_closed(id, epoch);
  };
}

/// On a controllers' listener that is this node or nobody: who asks there looks for the active
/// controller itself.
template <class Request, class Response>
void ask_controller(Services& services, Call call,
                    metadata::Decision<Response> (*decide)(const metadata::ControllerInput&,
                                                           const Request&)) {
  auto request = call.decode<Request>();
  if (!request) return;
  take_note(services, call, *request);
  call.release_frame();
  metadata::ReplyTo reply_to{&call.loop(), services.clock.monotonic() + timeout_of(*request),
                             call.request().connection()->controller_listener};
  services.controller.ask(
      decide, std::move(*request), reply_to,
      [call = std::move(call)](const Response& response) mutable { call.respond(response); });
}

/// The handler of one of the controller's requests, by the function of controller.h that decides
/// it.
template <auto kDecide>
void by_controller(Services& services, Call call) {
  ask_controller(services, std::move(call), kDecide);
}

}  // namespace longhaul::broker::handlers
