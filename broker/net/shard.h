// The connections of one reactor.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <unordered_map>

#include "broker/net/connection.h"

namespace longhaul::broker::net {

/// Everything but the constructor and `count` runs on the reactor.
class Shard final : public ConnectionOwner {
 public:
  struct Options {
    SessionLimits session;
    std::chrono::milliseconds idle;
    std::chrono::milliseconds stalled;
  };
  /// `left` is told of each connection that has closed.
  Shard(Reactor& reactor, const Options& options, SessionContext session, base::Executor& workers,
        base::Logger log, std::function<void(const ConnectionInfo&)> left);

  void add(Descriptor socket, std::shared_ptr<ConnectionInfo> info);
  /// Begins to look for idle connections from time to time.
  void start_sweeping();
  void drain();
  void close_all();
  void closed(Connection& connection) override;

  Reactor& reactor() const { return context_->reactor; }
  /// Connections here or on their way here; from any thread.
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  /// Notes that one is on its way, before `add`.
  void expect_one() { count_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void sweep();
  const char* reason_to_close(const Connection& connection) const;

  Options options_;
  std::shared_ptr<ConnectionContext> context_;
  std::function<void(const ConnectionInfo&)> left_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::atomic<uint64_t> count_{0};
  base::TimerId sweep_timer_ = 0;
  bool draining_ = false;
};

}  // namespace longhaul::broker::net
