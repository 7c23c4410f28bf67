#include "broker/metrics/http_server.h"

#include <fmt/format.h>

#include <future>
#include <list>
#include <utility>

#include "broker/metrics/http_connection.h"
#include "broker/net/socket.h"

namespace longhaul::broker::metrics {
namespace {

using base::Errc;

constexpr net::SocketOptions kSocketOptions{};
constexpr std::chrono::seconds kRetryAccept{1};

base::Error cannot_listen(const config::HostPort& address, base::Error why) {
  std::string where = "cannot listen at " + config::to_string(address) + ": ";
  switch (why.code) {
    case Errc::kAlreadyExists:
      why.message = fmt::format(
          "the port is taken by another program; stop that (`ss -ltnp 'sport = :{}'` shows it) or "
          "give another port",
          address.port);
      break;
    case Errc::kInvalidArgument:
      why.message = "the host is no address of this machine";
      break;
    case Errc::kPermission:
      why.message = "only a privileged process may use this port; give one from 1024 on";
      break;
    default:
      break;
  }
  return {why.code, where + why.message};
}

}  // namespace

class HttpServer::Impl final : public net::EventHandler, public std::enable_shared_from_this<Impl> {
 public:
  Impl(net::Descriptor socket, net::Reactor& reactor, Handler handler, HttpLimits limits,
       base::Logger log)
      : socket_(std::move(socket)),
        port_(net::port_of(socket_)),
        handler_(std::move(handler)),
        limits_(limits),
        log_(log),
        context_{reactor, handler_, limits.patience, [this](HttpConnection& c) { forget(c); }} {}

  uint16_t port() const { return port_; }

  void start() {
    context_.reactor.post(
        [self = shared_from_this()] { self->context_.reactor.watch(self->socket_.get(), *self); });
  }

  /// Returns when nothing of it runs any more, or the reactor has stopped.
  void stop() {
    std::promise<void> done;
    std::future<void> waited = done.get_future();
    context_.reactor.post([self = shared_from_this(), done = std::move(done)]() mutable {
      self->close_all();
      done.set_value();
    });
    waited.wait();
  }

  void ready(uint32_t) override { accept_all(); }

 private:
  void accept_all() {
    while (socket_.open() && retry_ == 0) {
      auto accepted = net::accept_from(socket_, kSocketOptions);
      if (accepted) {
        take(std::move(accepted->socket));
      } else if (accepted.error().code == Errc::kNoSpace) {
        log_.error("no descriptors are left for probes; raise the limit of open files (ulimit -n)");
        retry_ = context_.reactor.after(kRetryAccept, [this] {
          retry_ = 0;
          accept_all();
        });
      } else if (accepted.error().code == Errc::kUnavailable) {
        return;
      }
    }
  }

  void take(net::Descriptor socket) {
    if (connections_.size() >= limits_.connections) {
      auto oldest = connections_.front();
      oldest->close();
    }
    connections_.push_back(std::make_shared<HttpConnection>(context_, std::move(socket)));
    connections_.back()->start();
  }

  void forget(HttpConnection& connection) {
    connections_.remove_if([&](const auto& each) { return each.get() == &connection; });
  }

  void close_all() {
    context_.reactor.cancel(std::exchange(retry_, 0));
    socket_.close();
    while (!connections_.empty()) {
      auto first = connections_.front();
      first->close();
    }
    context_.reactor.retire(shared_from_this());
  }

  net::Descriptor socket_;
  uint16_t port_;
  Handler handler_;
  HttpLimits limits_;
  base::Logger log_;
  HttpConnection::Context context_;
  std::list<std::shared_ptr<HttpConnection>> connections_;  // the oldest first
  base::TimerId retry_ = 0;                                 // waits for descriptors
};

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(const config::HostPort& address,
                                                            net::Reactor& reactor, Handler handler,
                                                            HttpLimits limits, base::Logger log) {
  auto socket = net::listen_at({.name = "METRICS", .host = address.host, .port = address.port},
                               kSocketOptions);
  if (!socket) return tl::unexpected(cannot_listen(address, std::move(socket.error())));
  auto impl = std::make_shared<Impl>(std::move(*socket), reactor, std::move(handler), limits, log);
  impl->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->stop(); }
uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace longhaul::broker::metrics
