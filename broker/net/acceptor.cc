#include "broker/net/acceptor.h"

#include <utility>

namespace longhaul::broker::net {

Acceptor::Acceptor(Reactor& reactor, Descriptor socket, const SocketOptions& options,
                   Admission& admission, base::Logger log, Callbacks callbacks)
    : reactor_(reactor),
      socket_(std::move(socket)),
      options_(options),
      admission_(admission),
      log_(log),
      callbacks_(std::move(callbacks)) {}

void Acceptor::start() {
  reactor_.watch(socket_.get(), *this);
  accept_all();
}

void Acceptor::ready(uint32_t) { accept_all(); }

void Acceptor::resume() {
  if (std::exchange(full_, false)) accept_all();
}

void Acceptor::accept_all() {
  if (!socket_.open() || retry_ != 0) return;
  while (accept_one()) {
  }
}

/// True if there may be more.
bool Acceptor::accept_one() {
  if (admission_.full()) {
    if (!std::exchange(full_, true)) {
      log_.warn("max.connections is reached; new connections wait until others leave");
    }
    // One may have left since we looked, and found nobody waiting.
    if (admission_.full()) return false;
    full_ = false;
  }
  base::Result<Accepted> accepted = accept_from(socket_, options_);
  if (!accepted) {
    if (accepted.error().code == base::Errc::kNoSpace) pause_for_descriptors();
    return accepted.error().code == base::Errc::kIo;
  }
  if (!admission_.enter(accepted->peer.host)) {
    log_.debug("connection from {} refused: max.connections.per.ip", accepted->peer.host);
    callbacks_.refused();
    return true;
  }
  callbacks_.take(*std::move(accepted));
  return true;
}

void Acceptor::pause_for_descriptors() {
  log_.error(
      "no descriptors are left for new connections; raise the limit of open files (ulimit "
      "-n)");
  retry_ = reactor_.after(std::chrono::seconds(1), [this] {
    retry_ = 0;
    accept_all();
  });
}

void Acceptor::stop() {
  reactor_.cancel(std::exchange(retry_, 0));
  socket_.close();
  reactor_.retire(shared_from_this());
}

}  // namespace longhaul::broker::net
