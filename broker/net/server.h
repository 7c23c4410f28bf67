// Listeners and their connections on a set of reactors.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/result.h"
#include "broker/config/broker_config.h"
#include "broker/net/admission.h"
#include "broker/net/frame_pool.h"
#include "broker/net/reactor.h"
#include "broker/net/request.h"
#include "broker/net/session.h"
#include "broker/net/socket.h"

namespace longhaul::broker::net {

struct ServerOptions {
  SessionLimits session;
  SocketOptions socket;
  AdmissionLimits admission;
  /// A connection on which nothing moves for so long, and which waits for nothing of ours, is
  /// closed; not positive: never.
  std::chrono::milliseconds idle{600'000};
  /// The same for one that stopped in the middle of a request, or hardly moves there, while others
  /// wait for memory.
  std::chrono::milliseconds stalled{5'000};
};

/// socket.*, max.connections*, connections.max.idle.ms.
base::Result<ServerOptions> server_options(const config::BrokerConfig& config);
/// How much memory requests may take: queued.max.request.bytes, or longhaul.request.memory.bytes.
uint64_t request_memory_bytes(const config::BrokerConfig& config);

struct ServerStats {
  uint64_t connections = 0;  // open now
  uint64_t accepted = 0;     // since the start
  uint64_t refused = 0;      // closed at once for max.connections.per.ip
};

/// What outlives the server and all requests and replies that came by it.
struct ServerContext {
  FramePool& pool;
  std::vector<Reactor*> reactors;  // one for each of num.network.threads; at least one
  RequestHandler& handler;
  base::Executor& workers;  // for reads that would wait for a disk
  base::Clock& clock;
  base::Logger log;
};

/// Accepts on the first reactor; a connection goes to the reactor that has the fewest. Its
/// functions are called from one thread, which is none of the reactors'.
class Server {
 public:
  Server(ServerOptions options, ServerContext context);
  /// Stops without patience.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds all listeners, or none. Clients can connect from now on but are not answered yet. The
  /// error says which listener cannot be had and what to do.
  base::Result<void> bind(const config::BrokerConfig& config);
  /// The listeners with the ports they have got.
  std::vector<config::Listener> bound() const;
  /// Begins to answer on controllers' listeners, before `start` does so on all of them.
  void start_controllers();
  /// Begins to answer. Once.
  void start();
  /// Takes no more connections and no more requests, answers what is in flight, and after
  /// `patience` at the latest closes whatever is left. Nothing is called on the handler afterwards.
  void stop(std::chrono::milliseconds patience);

  ServerStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::broker::net
