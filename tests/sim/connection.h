// The client's end of a simulated connection: the twin of client/connection.h.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "client/channel.h"
#include "tests/sim/pipe.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

class Host;

struct ConnectionOptions {
  Time latency{200};                         // of each direction, typically
  Time patience = std::chrono::seconds(30);  // an answer that takes longer is a finding
};

/// Speaks the newest stable version, or less if the caller wants it so. Frames go into the trace.
class Connection final : public client::Channel, public std::enable_shared_from_this<Connection> {
 public:
  /// A connection to `host`; broken from the start if nobody listens there. `name` is the client's.
  static std::shared_ptr<Connection> open(World& world, Host& host, std::string name,
                                          const ConnectionOptions& options = {});
  Connection(World& world, Host& host, std::string name, const ConnectionOptions& options);
  ~Connection() override;

  void send(client::RawRequest request, Answer answer) override;
  bool is_open() const override { return open_; }
  void close() override;
  /// Answers that are still owed.
  size_t pending() const { return pending_.size(); }

 private:
  struct Exchange {
    client::RawRequest request;
    Answer answer;
    int16_t version = 0;
    int32_t correlation_id = 0;
    Simulation::EventId timer = 0;
  };
  void start();
  void arrived(const base::Bytes& bytes);
  void frame(std::shared_ptr<const base::Bytes> frame);
  void timed_out(const std::string& what);
  void fail(const base::Error& error);

  World& world_;
  Host& host_;
  const std::string name_;
  const ConnectionOptions options_;
  std::shared_ptr<Link> link_;
  std::deque<Exchange> pending_;
  base::Bytes unread_;
  int32_t last_id_ = 0;
  bool open_ = true;
};

}  // namespace longhaul::sim
