// How requests reach an API server: an interface, so that tests have their own.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "operator/kube/request.h"

namespace longhaul::op::kube {

/// A connection to one Kubernetes API. Safe from any thread; every call blocks its caller.
class Transport {
 public:
  virtual ~Transport() = default;

  /// The server's answer, whatever its status; an error only if there was none (kUnavailable,
  /// kTimedOut), naming the server.
  virtual base::Result<Response> send(const Request& request) = 0;

  /// One call per line of a streamed answer (a watch's events), without the newline. False ends
  /// the stream.
  using LineHandler = std::function<bool(std::string_view line)>;
  /// Returns once the server, `on_line` or `stop` has ended the stream. Status 200 comes with an
  /// empty body; any other status never calls `on_line`. An error if the connection broke.
  virtual base::Result<Response> stream(const Request& request, const LineHandler& on_line,
                                        std::stop_token stop) = 0;
};

/// `send` and `read_response` in one, with method and path before the message of an error.
base::Result<Json> call(Transport& transport, const Request& request);

/// Where an API server is and who we are to it. PEM texts; empty fields are absent.
struct Credentials {
  std::string server;  // "https://host:port" or "http://…"
  std::string ca_pem;  // empty: the machine's own authorities
  std::string client_certificate_pem;
  std::string client_key_pem;
  std::string token;
  std::string token_file;  // read again every minute, as Kubernetes rotates it
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name;  // expected in the certificate instead of the server's host
  std::string default_namespace = "default";
};

/// A transport over cpprestsdk. Its thread pool, one for the process, gets a few threads and ends
/// with the static objects: a static transport has to be made in its own initializer, so that it is
/// younger and goes first. kInvalidArgument if the credentials cannot be used.
base::Result<std::unique_ptr<Transport>> make_http_transport(const Credentials& credentials);

}  // namespace longhaul::op::kube
