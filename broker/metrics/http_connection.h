// One connection of the HTTP server: one request in, one page out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/metrics/http_server.h"
#include "broker/net/reactor.h"
#include "broker/net/socket.h"

namespace longhaul::broker::metrics {

/// Lives and dies on one reactor.
class HttpConnection final : public net::EventHandler,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  struct Context {
    net::Reactor& reactor;
    const HttpServer::Handler& handler;
    std::chrono::milliseconds patience;
    std::function<void(HttpConnection&)> closed;  // it may be forgotten
  };
  /// `context` outlives it.
  HttpConnection(const Context& context, net::Descriptor socket)
      : context_(context), socket_(std::move(socket)) {}

  /// Begins to read. Once.
  void start();
  void ready(uint32_t events) override;
  void close();

 private:
  enum class State { kReading, kAnswering, kSending, kDraining };

  void expect_end_within(std::chrono::milliseconds time);
  void read_head();
  void take_head();
  void respond(const Page& page);
  void flush();
  void drain();

  const Context& context_;
  net::Descriptor socket_;
  State state_ = State::kReading;
  std::string input_;   // the head as far as it has come
  std::string output_;  // what is left to send
  size_t sent_ = 0;
  size_t drained_ = 0;
  bool head_only_ = false;
  base::TimerId deadline_ = 0;
};

}  // namespace longhaul::broker::metrics
