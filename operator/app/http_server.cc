#include "operator/app/http_server.h"

#include <fmt/core.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace longhaul::op::app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kLongestRequest = 8192;
constexpr std::chrono::seconds kPatience{5};

const char* phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const HttpServer::Handler& handler)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), handler_(handler) {}

  void run() {
    auto self = shared_from_this();
    timer_.expires_after(kPatience);
    timer_.async_wait([self](error_code error) {
      error_code ignored;
      if (!error) self->socket_.close(ignored);
    });
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kLongestRequest), "\r\n\r\n",
                           [self](error_code error, size_t) {
                             if (error) return self->end();
                             self->answer();
                           });
  }

 private:
  void answer() {
    size_t end = input_.find(' ');
    std::string method = input_.substr(0, end);
    std::string path = input_.substr(end + 1);
    path = path.substr(0, path.find_first_of(" ?\r"));
    Page page = method == "GET" ? handler_(path) : Page{405, "text/plain", "only GET\n"};
    output_ = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        page.status, phrase(page.status), page.content_type, page.body.size(), page.body);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](error_code, size_t) { self->end(); });
  }

  void end() {
    error_code ignored;
    timer_.cancel();
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  const HttpServer::Handler& handler_;
  std::string input_;
  std::string output_;
};

}  // namespace

struct HttpServer::Impl {
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  Handler handler;
  std::thread thread;

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (!error) std::make_shared<Session>(std::move(socket), handler)->run();
      accept();
    });
  }
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->context.stop();
  impl_->thread.join();
}

uint16_t HttpServer::port() const {
  error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address,
                                                            Handler handler) {
  size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  error_code error;
  asio::ip::address ip = asio::ip::make_address(host, error);
  int port = -1;
  if (colon != address.npos && !error) port = std::atoi(address.c_str() + colon + 1);
  if (port < 0 || port > 65535)
    return base::fail(base::Errc::kInvalidArgument,
                      "\"" + address + "\" is not ADDRESS:PORT, such as 0.0.0.0:8080");
  auto impl = std::make_unique<Impl>();
  impl->handler = std::move(handler);
  tcp::endpoint endpoint(ip, static_cast<uint16_t>(port));
  impl->acceptor.open(endpoint.protocol(), error);
  if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) impl->acceptor.bind(endpoint, error);
  if (!error) impl->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return base::fail(base::Errc::kIo, "cannot listen on " + address + ": " + error.message());
  impl->accept();
  impl->thread = std::thread([raw = impl.get()] { raw->context.run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace longhaul::op::app
