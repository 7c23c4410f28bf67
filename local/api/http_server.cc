#include "local/api/http_server.h"

#include <pthread.h>

#include <utility>
// Asio's headers want <utility> first.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "local/api/router.h"
#include "local/api/text.h"

namespace longhaul::local {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr uint64_t kBodyLimit = 3ULL << 20;
constexpr uint32_t kHeaderLimit = 64 << 10;
constexpr std::chrono::minutes kIdle{5};
constexpr std::chrono::seconds kWriteTimeout{60};
constexpr std::chrono::seconds kBookmarkPeriod{60};
constexpr std::chrono::seconds kLinger{5};
constexpr size_t kDiscard = 64 << 10;
constexpr size_t kMaxConnections = 1000;

bool is_loopback_host(std::string_view host) {
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.rfind(':'));
  return host == "127.0.0.1" || host == "localhost";
}

class Session;

struct Shared {
  Router router;
  Api& api;
  base::Logger log;
  std::set<Session*> sessions;
};

/// One connection. Everything runs on the server's one thread.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Shared& shared)
      : stream_(std::move(socket)), timer_(stream_.get_executor()), shared_(shared) {
    shared_.sessions.insert(this);
  }
  ~Session() {
    detach();
    shared_.sessions.erase(this);
  }

  /// No wake-ups from the API after this.
  void detach() {
    if (watch_) watch_->on_ready(nullptr);
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(kBodyLimit);
    parser_->header_limit(kHeaderLimit);
    stream_.expires_after(kIdle);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, size_t) { self->on_read(error); });
  }

 private:
  void on_read(error_code error) {
    if (error == http::error::body_limit)
      return refuse(413, "RequestEntityTooLarge", "Request body too large: limit is 3145728 bytes");
    if (error == http::error::end_of_stream || error == beast::error::timeout) return close();
    if (error.category() == error_code(http::error::bad_target).category())
      return refuse(400, "BadRequest", "not an HTTP request: " + error.message());
    if (error) return;
    auto& message = parser_->get();
    if (message.count(http::field::origin) > 0 ||
        !is_loopback_host({message[http::field::host].data(), message[http::field::host].size()}))
      return refuse(403, "Forbidden", "this API serves programs on this machine, not web pages");
    respond(shared_.router.handle(to_request(message)));
  }

  static Request to_request(http::request<http::string_body>& message) {
    auto field = [&](http::field name) { return std::string(message[name]); };
    Request request{std::string(message.method_string()), std::string(message.target()),
                    field(http::field::accept),           field(http::field::content_type),
                    field(http::field::user_agent),       {}};
    request.body = std::move(message.body());
    return request;
  }

  void refuse(int code, const char* reason, std::string text) {
    keep_alive_ = false;
    Response response{code};
    response.body = to_text(status_of({code, reason, std::move(text)}));
    respond(std::move(response));
  }

  template <class Message>
  void set_header(Message& message, const Response& response) {
    message.version(11);
    message.result(static_cast<unsigned>(response.status));
    message.set(http::field::content_type, response.content_type);
    message.set(http::field::cache_control, "no-cache, private");
    for (const std::string& warning : response.warnings)
      message.insert(http::field::warning, "299 - " + to_text(warning));
    message.keep_alive(keep_alive_);
  }

  void respond(Response response) {
    if (parser_->is_header_done()) keep_alive_ = keep_alive_ && parser_->get().keep_alive();
    if (response.watch) return start_watch(std::move(response));
    auto message = std::make_shared<http::response<http::string_body>>();
    set_header(*message, response);
    message->body() = std::move(response.body);
    message->prepare_payload();
    stream_.expires_after(kWriteTimeout);
    http::async_write(stream_, *message,
                      [self = shared_from_this(), message](error_code error, size_t) {
                        if (error) return;
                        if (self->keep_alive_) return self->read();
                        self->linger();
                      });
  }

  // Closing while the client still sends would take our answer away from it.
  void linger() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (lingering_until_ == std::chrono::steady_clock::time_point{})
      lingering_until_ = std::chrono::steady_clock::now() + kLinger;
    stream_.expires_at(lingering_until_);
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kDiscard),
                            [self = shared_from_this()](error_code error, size_t) {
                              error ? self->close() : self->linger();
                            });
  }

  void start_watch(Response response) {
    watch_ = std::move(response.watch);
    deadline_ = std::chrono::steady_clock::now() + std::chrono::seconds(response.watch_seconds);
    auto header = std::make_shared<http::response<http::empty_body>>();
    set_header(*header, response);
    header->chunked(true);
    auto serializer = std::make_shared<http::response_serializer<http::empty_body>>(*header);
    stream_.expires_after(kWriteTimeout);
    http::async_write_header(
        stream_, *serializer,
        [self = shared_from_this(), header, serializer](error_code error, size_t) {
          if (error) return self->close();
          self->stream_.expires_never();
          self->listen();
          self->notice_hangup();
          self->set_timer();
          self->pump();
        });
  }

  // Wakes us when the API has written something; it calls from other threads, under its lock.
  void listen() {
    watch_->on_ready([weak = weak_from_this(), executor = stream_.get_executor()] {
      asio::post(executor, [weak] {
        if (auto self = weak.lock()) self->pump();
      });
    });
  }

  void notice_hangup() {
    stream_.socket().async_wait(tcp::socket::wait_read,
                                [self = shared_from_this()](error_code) { self->close(); });
  }

  void set_timer() {
    timer_.expires_at(std::min(deadline_, std::chrono::steady_clock::now() + kBookmarkPeriod));
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->finished_) return;
      self->watch_->bookmark(self->shared_.api.revision());
      if (std::chrono::steady_clock::now() >= self->deadline_) {
        self->expired_ = true;
        self->pump();
      } else {
        self->set_timer();
      }
    });
  }

  void pump() {
    if (writing_ || finished_) return;
    chunk_ = watch_->take();
    if (!chunk_.empty()) {
      writing_ = true;
      stream_.expires_after(kWriteTimeout);
      asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)),
                        [self = shared_from_this()](error_code error, size_t) {
                          self->writing_ = false;
                          self->stream_.expires_never();
                          error ? self->close() : self->pump();
                        });
    } else if (watch_->ended() || expired_) {
      writing_ = true;
      asio::async_write(stream_, http::make_chunk_last(),
                        [self = shared_from_this()](error_code, size_t) { self->close(); });
    }
  }

  void close() {
    finished_ = true;
    timer_.cancel();
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.socket().close(ignored);
  }

  beast::tcp_stream stream_;
  asio::steady_timer timer_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  bool keep_alive_ = true;
  std::shared_ptr<Watch> watch_;
  std::chrono::steady_clock::time_point deadline_, lingering_until_;
  std::string chunk_;
  bool writing_ = false, finished_ = false, expired_ = false;
};

}  // namespace

struct HttpServer::Impl {
  Impl(Api& api, const base::Clock& clock, base::Logger log)
      : api(api), clock(clock), log(log), acceptor(context) {}

  base::Result<void> listen(uint16_t port) {
    error_code error;
    tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) return {};
    bool taken = error == asio::error::address_in_use;
    return base::fail(
        taken ? base::Errc::kAlreadyExists : base::Errc::kIo,
        "cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + error.message());
  }

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        shared->log.warn("accepting a connection failed: {}", error.message());
      } else if (shared->sessions.size() < kMaxConnections) {
        std::make_shared<Session>(std::move(socket), *shared)->read();
      }
      accept();
    });
  }

  void run() {
    pthread_setname_np(pthread_self(), "local-api");
    context.run();
  }

  Api& api;
  const base::Clock& clock;
  base::Logger log;
  std::optional<Shared> shared;  // outlives the context, whose end destroys the sessions
  asio::io_context context{1};
  tcp::acceptor acceptor;
  std::thread thread;
};

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(Api& api, const base::Clock& clock,
                                                            uint16_t port, base::Logger log) {
  auto impl = std::make_unique<Impl>(api, clock, log);
  LH_TRY(impl->listen(port));
  std::string address = "127.0.0.1:" + std::to_string(impl->acceptor.local_endpoint().port());
  impl->shared.emplace(Shared{Router(api, clock, std::move(address)), api, log, {}});
  impl->accept();
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->context.stop();
  impl_->thread.join();
  for (Session* session : impl_->shared->sessions) session->detach();
}

uint16_t HttpServer::port() const { return impl_->acceptor.local_endpoint().port(); }

std::string HttpServer::url() const { return "http://127.0.0.1:" + std::to_string(port()); }

std::string kubeconfig_text(const std::string& name, const std::string& url) {
  Json cluster{{"name", name}, {"cluster", {{"server", url}}}};
  Json user{{"name", name}, {"user", Json::object()}};
  Json context{{"name", name}, {"context", {{"cluster", name}, {"user", name}}}};
  Json config{{"apiVersion", "v1"},
              {"kind", "Config"},
              {"clusters", Json::array({cluster})},
              {"users", Json::array({user})},
              {"contexts", Json::array({context})},
              {"current-context", name}};
  return config.dump(2) + "\n";
}

}  // namespace longhaul::local
