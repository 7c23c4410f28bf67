// The client's end of a simulated connection: the twin of client/connection.h.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "base/executor.h"
#include "client/channel.h"
#include "client/endpoint.h"
#include "tests/sim/pipe.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

class Region;

struct ConnectionOptions {
  Time latency{200};                                // of each direction, typically
  Time patience = std::chrono::seconds(30);         // for an answer
  Time connect_patience = std::chrono::seconds(2);  // for a connection
  /// An answer that takes longer is a finding.
  bool must_answer = true;
  /// Where answers are handed over; null: wherever they arrive.
  base::Executor* executor = nullptr;
};

/// Speaks the newest stable version, or less if the caller wants it so. Frames go into the trace.
class Connection final : public client::Channel, public std::enable_shared_from_this<Connection> {
 public:
  /// A connection to who listens there; broken from the start if nobody does. `name` is the
  /// client's.
  static std::shared_ptr<Connection> open(Region& region, const std::string& name,
                                          const client::Endpoint& at,
                                          const ConnectionOptions& options = {});
  Connection(Region& region, std::string name, client::Endpoint at,
             const ConnectionOptions& options);
  ~Connection() override;

  void send(client::RawRequest request, Answer answer) override;
  bool is_open() const override { return open_; }
  void close() override;
  /// Its process is dead: nobody waits for anything, and part of what it sent last is lost.
  void die();
  /// Answers that are still owed.
  size_t pending() const { return pending_.size(); }

 private:
  struct Exchange {
    client::RawRequest request;
    Answer answer;
    int16_t version = 0;
    int32_t correlation_id = 0;
    Simulation::EventId timer = 0;
    uint64_t end = 0;  // of the request, in bytes of the connection
  };
  void start();
  void give_up_connecting();
  void arrived(const base::Bytes& bytes);
  void frame(std::shared_ptr<const base::Bytes> frame);
  void timed_out(const std::string& what);
  void fail(const base::Error& error);
  void hand_over(Answer answer, base::Result<client::RawReply> reply);
  void hand_over_later(Answer answer, base::Error error);

  Region& region_;
  World& world_;
  const std::string name_;
  const client::Endpoint at_;
  const ConnectionOptions options_;
  std::shared_ptr<Link> link_;
  std::deque<Exchange> pending_;
  base::Bytes unread_;
  int32_t last_id_ = 0;
  bool open_ = true;
};

/// The twin of client/pool.h: connections of one process, made when they are needed.
class ConnectionPool {
 public:
  ConnectionPool(Region& region, std::string name, const ConnectionOptions& options)
      : region_(region), name_(std::move(name)), options_(options) {}
  ~ConnectionPool() { die(); }
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  std::shared_ptr<Connection> to(const client::Endpoint& at);
  size_t pending() const;
  void close();
  void die();

 private:
  Region& region_;
  const std::string name_;
  const ConnectionOptions options_;
  std::map<client::Endpoint, std::shared_ptr<Connection>> connections_;
  bool is_dead_ = false;
};

}  // namespace longhaul::sim
