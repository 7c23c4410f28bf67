// Connections of this node to others of its cluster.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/task.h"
#include "client/endpoint.h"
#include "client/io_thread.h"
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

/// What each of num.replica.fetchers has: a thread on which it runs, with its connections to
/// leaders. They have each their own, since answers come in the order of requests. Any thread.
class FetcherLanes {
 public:
  FetcherLanes(size_t count, std::chrono::milliseconds timeout);

  std::vector<base::EventLoop*> loops() const;
  std::shared_ptr<client::Channel> connect(const client::Endpoint& leader, size_t lane) {
    return lanes_[lane]->pool.to(leader);
  }
  /// Ends the threads. Who waits for an answer is not told; connections break off with this object.
  void stop();

 private:
  struct Lane {
    Lane(const std::string& name, std::chrono::milliseconds timeout);
    client::IoThread thread;
    client::Pool pool;
  };
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace longhaul::broker::app
