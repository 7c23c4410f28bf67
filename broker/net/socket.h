// The few socket calls we make, with errors that say what to do.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"
#include "broker/config/listeners.h"

namespace longhaul::broker::net {

/// Owns a descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

struct PeerAddress {
  std::string host;  // IPv4 in IPv6's clothes is written as IPv4
  uint16_t port = 0;
};

/// Buffer sizes in bytes; -1 leaves them to the kernel.
struct SocketOptions {
  int send_buffer = -1;
  int receive_buffer = -1;
  int backlog = 50;
};

/// Binds and listens, non-blocking. An empty host is every address, IPv4 and IPv6. The errors name
/// the listener and, for a port that is taken, how to find who has it.
base::Result<Descriptor> listen_at(const config::Listener& listener, const SocketOptions& options);

/// The port a listening socket has got.
uint16_t port_of(const Descriptor& socket);

/// The next connection that waits, non-blocking, with TCP_NODELAY and keep-alive. kUnavailable if
/// none waits; kNoSpace if the process or the machine has no descriptors left; kIo for a connection
/// that went away by itself.
struct Accepted {
  Descriptor socket;
  PeerAddress peer;
};
base::Result<Accepted> accept_from(const Descriptor& listener, const SocketOptions& options);

}  // namespace longhaul::broker::net
