// Requests that this node answers as a replica of the metadata quorum (KIP-595, 630, 836, 853).
#pragma once

#include <utility>
#include <variant>

#include "broker/handlers/ask_controller.h"
#include "broker/metadata/quorum_server.h"

namespace longhaul::broker::handlers {

/// The handler of one of the quorum's requests.
template <class Request>
void by_quorum(Services& services, Call call) {
  auto request = call.decode<Request>();
  if (!request) return;
  call.release_frame();
  const net::ConnectionInfo& connection = *call.request().connection();
  metadata::QuorumCall how{.version = call.version(),
                           .listener = connection.listener,
                           .for_client = !connection.controller_listener,
                           .deadline = services.clock.monotonic() + timeout_of(*request)};
  services.quorum.serve(std::move(*request), std::move(how),
                        [call = std::move(call)](const metadata::QuorumResponse& response) mutable {
                          std::visit([&](const auto& typed) { call.respond(typed); }, response);
                        });
}

}  // namespace longhaul::broker::handlers
