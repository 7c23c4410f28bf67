// Takes the connections of one listener.
#pragma once

#include <functional>
#include <memory>

#include "base/log.h"
#include "broker/net/admission.h"
#include "broker/net/reactor.h"
#include "broker/net/socket.h"

namespace longhaul::broker::net {

/// Everything but the constructor runs on its reactor.
class Acceptor final : public EventHandler, public std::enable_shared_from_this<Acceptor> {
 public:
  /// `take` gets each connection that was admitted, `refused` is called for each that was not.
  struct Callbacks {
    std::function<void(Accepted)> take;
    std::function<void()> refused;
  };
  Acceptor(Reactor& reactor, Descriptor socket, const SocketOptions& options, Admission& admission,
           base::Logger log, Callbacks callbacks);

  void start();
  void ready(uint32_t events) override;
  /// A connection has left: goes on if it was waiting for that.
  void resume();
  void stop();

 private:
  void accept_all();
  bool accept_one();
  void pause_for_descriptors();

  Reactor& reactor_;
  Descriptor socket_;
  SocketOptions options_;
  Admission& admission_;
  base::Logger log_;
  Callbacks callbacks_;
  bool full_ = false;        // waits for a connection to leave
  base::TimerId retry_ = 0;  // waits for descriptors
};

}  // namespace longhaul::broker::net
