// Connections of this node to others of its cluster.
#pragma once

#include <chrono>
#include <memory>

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

}  // namespace longhaul::broker::app
