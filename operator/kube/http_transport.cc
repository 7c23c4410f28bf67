// The one file that knows cpprestsdk.
#define _TURN_OFF_PLATFORM_STRING  // cpprestsdk's macro U collides with fmt
#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <fmt/core.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <boost/asio/ssl.hpp>
#include <chrono>
#include <mutex>

#include "operator/kube/kubeconfig.h"
#include "operator/kube/transport.h"

namespace longhaul::op::kube {
namespace {

using base::Errc;
using base::Result;
namespace http = web::http;

constexpr size_t kPoolThreads = 3;
constexpr std::chrono::seconds kAnswerTimeout{30};
/// Longer than any bookmark-less silence of a watch, which the server ends after five minutes.
constexpr std::chrono::seconds kStreamTimeout{360};
constexpr std::chrono::seconds kTokenAge{60};

/// Throws boost::system::system_error on a certificate or key that OpenSSL does not take.
void set_up_tls(const Credentials& credentials, boost::asio::ssl::context& context) {
  if (!credentials.ca_pem.empty()) {
    // Only this authority: cpprestsdk has put the machine's own into the store already.
    SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
    context.add_certificate_authority(boost::asio::buffer(credentials.ca_pem));
  }
  if (credentials.client_certificate_pem.empty()) return;
  context.use_certificate_chain(boost::asio::buffer(credentials.client_certificate_pem));
  context.use_private_key(boost::asio::buffer(credentials.client_key_pem),
                          boost::asio::ssl::context::pem);
}

http::client::http_client_config make_config(const Credentials& credentials,
                                             std::chrono::seconds timeout) {
  http::client::http_client_config config;
  config.set_timeout(timeout);
  config.set_validate_certificates(!credentials.insecure_skip_tls_verify);
  config.set_ssl_context_callback(
      [credentials](boost::asio::ssl::context& context) { set_up_tls(credentials, context); });
  return config;
}

/// The bearer token: fixed, or from a file that is read again when a minute has passed.
class TokenSource {
 public:
  explicit TokenSource(const Credentials& credentials)
      : token_(credentials.token), file_(credentials.token_file) {}

  Result<std::string> token() {
    if (file_.empty()) return token_;
    std::lock_guard lock(mutex_);
    auto now = std::chrono::steady_clock::now();
    if (!token_.empty() && now - read_ < kTokenAge) return token_;
    LH_ASSIGN(token_, read_text_file(file_));
    while (!token_.empty() && isspace(static_cast<unsigned char>(token_.back()))) token_.pop_back();
    read_ = now;
    return token_;
  }

 private:
  std::mutex mutex_;
  std::string token_;
  const std::string file_;
  std::chrono::steady_clock::time_point read_;
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(const Credentials& credentials)
      : server_(credentials.server),
        tokens_(credentials),
        answers_(credentials.server, make_config(credentials, kAnswerTimeout)),
        streams_(credentials.server, make_config(credentials, kStreamTimeout)) {}

  Result<Response> send(const Request& request) override {
    LH_ASSIGN(http::http_request message, to_http(request));
    try {
      http::http_response answer = answers_.request(message).get();
      std::vector<unsigned char> body = answer.extract_vector().get();
      return Response{answer.status_code(), std::string(body.begin(), body.end())};
    } catch (const std::exception& error) {
      return broken(error);
    }
  }

  Result<Response> stream(const Request& request, const LineHandler& on_line,
                          std::stop_token stop) override {
    LH_ASSIGN(http::http_request message, to_http(request));
    pplx::cancellation_token_source cancel;
    std::stop_callback on_stop(stop, [&] { cancel.cancel(); });
    try {
      http::http_response answer = streams_.request(message, cancel.get_token()).get();
      if (answer.status_code() != http::status_codes::OK) {
        std::vector<unsigned char> body = answer.extract_vector().get();
        return Response{answer.status_code(), std::string(body.begin(), body.end())};
      }
      read_lines(answer.body(), on_line, stop);
      cancel.cancel();  // the server may have more to say, but nobody listens
      return Response{200, {}};
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return Response{200, {}};
      return broken(error);
    }
  }

 private:
  static void read_lines(concurrency::streams::istream body, const LineHandler& on_line,
                         const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      concurrency::streams::container_buffer<std::string> line;
      size_t read = body.read_to_delim(line, '\n').get();
      if (read > 0 && !on_line(line.collection())) return;
      if (body.is_eof()) return;
    }
  }

  Result<http::http_request> to_http(const Request& request) {
    http::http_request message{http::method(std::string(to_string(request.method)))};
    LH_ASSIGN(std::string token, tokens_.token());
    if (!token.empty()) message.headers().add("Authorization", "Bearer " + token);
    message.headers().add("Accept", "application/json");
    message.headers().add("User-Agent", "longhaul-operator");
    message.set_request_uri(web::uri(request.target()));
    if (!request.content_type.empty()) message.set_body(request.body, request.content_type);
    return message;
  }

  tl::unexpected<base::Error> broken(const std::exception& error) const {
    std::string why = error.what();
    bool late = why.find("timed out") != why.npos || why.find("timeout") != why.npos;
    return base::fail(late ? Errc::kTimedOut : Errc::kUnavailable,
                      fmt::format("Kubernetes API at {}: {}", server_, why));
  }

  const std::string server_;
  TokenSource tokens_;
  http::client::http_client answers_;
  http::client::http_client streams_;
};

void limit_threads() {
  static std::once_flag once;
  std::call_once(once, [] { crossplat::threadpool::initialize_with_threads(kPoolThreads); });
}

/// Certificates are looked at now, so that a mistake in them is an error of the start.
Result<void> check(const Credentials& credentials) {
  if (!credentials.tls_server_name.empty())
    return base::fail(Errc::kUnsupported,
                      "kubeconfig: tls-server-name is not supported; use a server address that "
                      "is in the API server's certificate");
  web::uri uri(credentials.server);
  if ((uri.scheme() != "https" && uri.scheme() != "http") || uri.host().empty())
    return base::fail(Errc::kInvalidArgument,
                      "server \"" + credentials.server + "\" is not http://… or https://…");
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  set_up_tls(credentials, context);
  return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> make_http_transport(const Credentials& credentials) {
  limit_threads();
  try {
    LH_TRY(check(credentials));
    return std::make_unique<HttpTransport>(credentials);
  } catch (const std::exception& error) {
    return base::fail(Errc::kInvalidArgument,
                      std::string("credentials for ") + credentials.server + ": " + error.what());
  }
}

}  // namespace longhaul::op::kube
