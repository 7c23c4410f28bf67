// The API on loopback HTTP.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "local/api/api.h"

namespace longhaul::local {

/// Serves one API at 127.0.0.1. Requests from web pages are refused (they carry an Origin, or a
/// Host that is not loopback); bodies are at most 3 MiB.
class HttpServer {
 public:
  /// Port 0: the kernel picks. kAlreadyExists if the port is taken. `api` and `clock` must outlive
  /// the server.
  static base::Result<std::unique_ptr<HttpServer>> start(Api& api, const base::Clock& clock,
                                                         uint16_t port, base::Logger log);
  /// Closes every connection.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  /// "http://127.0.0.1:PORT".
  std::string url() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A kubeconfig file's text with one context of that name for a server without credentials.
std::string kubeconfig_text(const std::string& name, const std::string& url);

}  // namespace longhaul::local
