// A tiny HTTP server for metrics and health.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace longhaul::op::app {

struct Page {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Answers GET requests, one per connection, on a thread of its own. What is not a short GET
/// request is refused; a peer has five seconds for everything.
class HttpServer {
 public:
  /// Called on the server's thread with the path, without the query.
  using Handler = std::function<Page(const std::string& path)>;

  /// `address` is HOST:PORT; port 0 lets the kernel pick. kInvalidArgument, kIo if it cannot
  /// listen.
  static base::Result<std::unique_ptr<HttpServer>> start(const std::string& address,
                                                         Handler handler);
  ~HttpServer();
  uint16_t port() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::op::app
