// Connections of this node to others of its cluster.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "base/task.h"
#include "client/endpoint.h"
#include "client/pool.h"

namespace longhaul::broker::app {

/// Made when they are needed, and with the first of them the thread they live on: a node that is
/// alone has neither. From one thread.
class Connections {
 public:
  explicit Connections(std::chrono::milliseconds quorum_timeout)
      : quorum_timeout_(quorum_timeout) {}

  /// For the quorum's own requests, which are answered soon or never.
  std::shared_ptr<client::Channel> to_quorum(const client::Endpoint& endpoint);
  /// For requests to the active controller.
  std::shared_ptr<client::Channel> to_controller(const client::Endpoint& endpoint);
  /// See client::probe.
  void probe(const client::Endpoint& endpoint, base::Callback<void(bool refused)> done);
  /// Breaks all of them off.
  void close() { open_.reset(); }

 private:
  struct Open {
    explicit Open(std::chrono::milliseconds quorum_timeout);
    client::IoThread thread;
    client::Pool quorum;
    client::Pool controller;
  };
  Open& open();

  const std::chrono::milliseconds quorum_timeout_;
  std::unique_ptr<Open> open_;
};

/// Connections of followers to leaders; each lane of fetches has its own, since answers come in the
/// order of requests. Made as those above. Any thread.
class LeaderConnections {
 public:
  LeaderConnections(size_t lanes, std::chrono::milliseconds timeout)
      : lanes_(lanes), timeout_(timeout) {}

  std::shared_ptr<client::Channel> to(const client::Endpoint& endpoint, size_t lane);
  /// Breaks all of them off.
  void close();

 private:
  struct Open {
    Open(size_t lanes, std::chrono::milliseconds timeout);
    client::IoThread thread;
    std::vector<std::unique_ptr<client::Pool>> pools;
  };

  const size_t lanes_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::unique_ptr<Open> open_;
};

}  // namespace longhaul::broker::app
