// The metadata quorum's RPCs (KIP-595, 630, 836, 853).
#include <utility>

#include "broker/handlers/ask_controller.h"
#include "broker/handlers/handlers.h"
#include "broker/metadata/quorum_server.h"

namespace longhaul::broker::handlers {
namespace {

using metadata::QuorumServer;

template <class Request, class Response>
void ask_quorum(Services& services, Call call,
                void (QuorumServer::*serve)(Request, metadata::QuorumCall,
                                            QuorumServer::Done<Response>)) {
  auto request = call.decode<Request>();
  if (!request) return;
  call.release_frame();
  const net::ConnectionInfo& connection = *call.request().connection();
  metadata::QuorumCall how{.version = call.version(),
                           .listener = connection.listener,
                           .for_client = !connection.controller_listener,
                           .deadline = services.clock.monotonic() + timeout_of(*request)};
  (services.quorum.*serve)(
      std::move(*request), std::move(how),
      [call = std::move(call)](const Response& response) mutable { call.respond(response); });
}

}  // namespace

void handle_vote(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::vote);
}

void handle_begin_quorum_epoch(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::begin_quorum_epoch);
}

void handle_end_quorum_epoch(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::end_quorum_epoch);
}

void handle_quorum_fetch(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::fetch);
}

void handle_fetch_snapshot(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::fetch_snapshot);
}

void handle_describe_quorum(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::describe_quorum);
}

void handle_add_raft_voter(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::add_voter);
}

void handle_remove_raft_voter(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::remove_voter);
}

void handle_update_raft_voter(Services& services, Call call) {
  ask_quorum(services, std::move(call), &QuorumServer::update_voter);
}

}  // namespace longhaul::broker::handlers
