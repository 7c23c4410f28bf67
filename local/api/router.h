// HTTP requests to verbs and back, as plain values.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "local/api/api.h"

namespace longhaul::local {

struct Request {
  std::string method;        // GET, POST, PUT, PATCH, DELETE
  std::string target;        // as on the request line: path and query, still percent-encoded
  std::string accept;        // header, may be empty
  std::string content_type;  // header, may be empty
  std::string user_agent;    // header, may be empty
  std::string body;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::string> warnings;  // each for a Warning header
  /// A stream instead of a body.
  std::shared_ptr<Watch> watch;
  int64_t watch_seconds = 0;
};

/// Thread-safe.
class Router {
 public:
  /// `address` is the server's own "host:port", for discovery.
  Router(Api& api, const base::Clock& clock, std::string address);
  Response handle(const Request& request) const;

 private:
  using Query = std::multimap<std::string, std::string>;
  Answer<Response> route(const Request& request) const;
  Answer<Response> read(const Request& request, const Target& target, const Query& query) const;
  Answer<Response> write(const Request& request, const Target& target, const Query& query) const;
  Answer<Response> patch(const Request& request, const Target& target, const Query& query,
                         WriteOptions options) const;
  Answer<Response> remove(const Request& request, const Target& target, const Query& query) const;
  Answer<Response> watch(const Request& request, const Target& target, const Query& query,
                         Selector selector) const;
  Answer<Target> parse_target(const std::vector<std::string>& path) const;

  Api& api_;
  const base::Clock& clock_;
  const std::string address_;
};

}  // namespace longhaul::local
