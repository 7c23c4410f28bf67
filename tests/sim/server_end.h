// The server's end of a simulated connection: what broker/net's Connection does, without a socket.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/net/session.h"
#include "tests/sim/pipe.h"

namespace longhaul::sim {

/// Lives on its session's loop.
class ServerEnd final : public broker::net::ReplySink,
                        public broker::net::FramePool::Waiter,
                        public std::enable_shared_from_this<ServerEnd> {
 public:
  ServerEnd(broker::net::SessionContext& context, std::shared_ptr<Link> link,
            std::shared_ptr<broker::net::ConnectionInfo> info);

  /// `closed` is called once, with the reason if it was this end's.
  void start(std::function<void(const std::string& why)> closed);
  /// Takes no more requests; ends when the last is answered.
  void drain();
  void close(const std::string& why);
  /// The process has died: nothing goes out any more.
  void halt() { halted_ = true; }
  /// It is gone, with part of what is on its way to the client.
  void cut();

  void deliver(uint64_t sequence, broker::net::Outcome outcome) override;
  void memory_freed() override;

 private:
  void pump();
  bool read_some();
  bool write_some();

  broker::net::SessionContext& context_;
  broker::net::Session session_;
  std::shared_ptr<Link> link_;
  std::function<void(const std::string&)> closed_;
  base::Bytes scratch_;
  base::Bytes unread_;
  bool draining_ = false;
  bool halted_ = false;
};

}  // namespace longhaul::sim
