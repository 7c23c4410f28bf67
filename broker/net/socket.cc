#include "broker/net/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace longhaul::broker::net {
namespace {

using base::Errc;
using base::Result;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

void set_option(int socket, int level, int option, int value) {
  // What the kernel does not want to set (a buffer above its limits) it bounds by itself.
  setsockopt(socket, level, option, &value, sizeof(value));
}

void set_buffers(int socket, const SocketOptions& options) {
  if (options.send_buffer > 0) set_option(socket, SOL_SOCKET, SO_SNDBUF, options.send_buffer);
  if (options.receive_buffer > 0) set_option(socket, SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
}

tl::unexpected<base::Error> cannot_listen(const config::Listener& listener, int error) {
  std::string where = fmt::format("listener {}", config::to_string(listener));
  switch (error) {
    case EADDRINUSE:
      return base::fail(
          Errc::kAlreadyExists,
          fmt::format("{}: port {} is taken by another program; stop that (`ss -ltnp 'sport = "
                      ":{}'` shows it) or give another port in listeners",
                      where, listener.port, listener.port));
    case EADDRNOTAVAIL:
      return base::fail(Errc::kInvalidArgument,
                        fmt::format("{}: this machine does not have the address {}; give one of "
                                    "its own in listeners, and the others in advertised.listeners",
                                    where, listener.host));
    case EACCES:
      return base::fail(
          Errc::kPermission,
          fmt::format("{}: only a privileged process may use port {}; give one from 1024 on", where,
                      listener.port));
    default:
      return base::fail(Errc::kIo, fmt::format("{}: {}", where, std::strerror(error)));
  }
}

Result<Addresses> resolve(const config::Listener& listener) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  int error =
      getaddrinfo(listener.host.c_str(), std::to_string(listener.port).c_str(), &hints, &list);
  if (error != 0) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("listener {}: the host cannot be resolved: {}",
                                  config::to_string(listener), gai_strerror(error)));
  }
  return Addresses(list);
}

/// A listening socket at `address`, or errno.
int try_listen(const sockaddr* address, socklen_t size, const SocketOptions& options,
               Descriptor& socket) {
  socket = Descriptor(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) return errno;
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address->sa_family == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_buffers(socket.get(), options);  // before listen: accepted sockets inherit them
  if (bind(socket.get(), address, size) != 0) return errno;
  if (listen(socket.get(), options.backlog) != 0) return errno;
  return 0;
}

Result<Descriptor> listen_everywhere(const config::Listener& listener,
                                     const SocketOptions& options) {
  Descriptor socket;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(listener.port);
  int error = try_listen(reinterpret_cast<sockaddr*>(&v6), sizeof(v6), options, socket);
  if (error == EAFNOSUPPORT || error == EADDRNOTAVAIL) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(listener.port);
    error = try_listen(reinterpret_cast<sockaddr*>(&v4), sizeof(v4), options, socket);
  }
  if (error != 0) return cannot_listen(listener, error);
  return socket;
}

PeerAddress peer_of(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return {text, ntohs(v4.sin_port)};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof(text));
  } else {
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  }
  return {text, ntohs(v6.sin6_port)};
}

}  // namespace

void Descriptor::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Descriptor> listen_at(const config::Listener& listener, const SocketOptions& options) {
  if (listener.host.empty()) return listen_everywhere(listener, options);
  LH_ASSIGN(Addresses addresses, resolve(listener));
  Descriptor socket;
  int error = try_listen(addresses->ai_addr, addresses->ai_addrlen, options, socket);
  if (error != 0) return cannot_listen(listener, error);
  return socket;
}

uint16_t port_of(const Descriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return peer_of(address).port;
}

Result<Accepted> accept_from(const Descriptor& listener, const SocketOptions& options) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  Descriptor socket(accept4(listener.get(), reinterpret_cast<sockaddr*>(&address), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.open()) {
    int error = errno;
    Errc code = Errc::kIo;
    if (error == EAGAIN) code = Errc::kUnavailable;
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
      code = Errc::kNoSpace;
    }
    return base::fail(code, std::strerror(error));
  }
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set_buffers(socket.get(), options);
  return Accepted{std::move(socket), peer_of(address)};
}

}  // namespace longhaul::broker::net
