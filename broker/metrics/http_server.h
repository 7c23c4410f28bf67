// A small HTTP server for pages that machines ask for: probes and scrapes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/config/listeners.h"
#include "broker/net/reactor.h"

namespace longhaul::broker::metrics {

struct Page {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Takes the page of one request. From any thread, at most once, now or later; the connection is
/// closed if that is never.
using Answer = base::Callback<void(Page)>;

struct HttpLimits {
  /// Beyond it the oldest connection makes room for the newest, so that nobody who holds
  /// connections open keeps a probe out.
  size_t connections = 64;
  /// How long a request's head may take to come, and how long the answer to be made and taken.
  std::chrono::milliseconds patience{10'000};
};

/// Answers one GET or HEAD request per connection and closes it. Other methods get 405, and what is
/// no HTTP/1 request with a head of at most 8 KiB gets 400.
class HttpServer {
 public:
  /// Called on the reactor.
  using Handler = std::function<void(const std::string& path, Answer answer)>;

  /// Listens (port 0: the kernel picks) and answers from now on, on `reactor`, which outlives the
  /// server and all answers. The error says why the address cannot be had.
  static base::Result<std::unique_ptr<HttpServer>> start(const config::HostPort& address,
                                                         net::Reactor& reactor, Handler handler,
                                                         HttpLimits limits, base::Logger log);
  /// Closes all connections. Not on the reactor.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace longhaul::broker::metrics
