// A server on loopback and blocking clients for it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_loop.h"
#include "broker/net/server.h"
#include "tests/broker/net/fixtures.h"
#include "tests/support/lines.h"

namespace longhaul::broker::net {

/// A client with blocking calls. Reads end with an empty result when the server closed.
class Client {
 public:
  explicit Client(uint16_t port, int receive_buffer = -1) {
    socket_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0) {
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(int));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  bool connected() const { return connected_; }
  int descriptor() const { return socket_.get(); }
  void close() { socket_.close(); }
  /// No more will be sent.
  void finish() { shutdown(socket_.get(), SHUT_WR); }

  /// False if the server has closed.
  bool send(base::ByteView bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<size_t>(sent));
    }
    return true;
  }
  /// Exactly `size` bytes, or as many as came before the end.
  base::Bytes read(size_t size) {
    base::Bytes bytes(size);
    size_t filled = 0;
    while (filled < size) {
      ssize_t got = recv(socket_.get(), bytes.data() + filled, size - filled, 0);
      if (got <= 0) break;
      filled += static_cast<size_t>(got);
    }
    bytes.resize(filled);
    return bytes;
  }
  /// The next response without its length; empty when the server closed.
  base::Bytes response() {
    base::Bytes length = read(4);
    if (length.size() < 4) return {};
    return read(static_cast<size_t>(base::load_big_endian<int32_t>(length.data())));
  }
  /// The correlation id of the next response, -1 when the server closed.
  int32_t answer() {
    base::Bytes bytes = response();
    return bytes.size() < 4 ? -1 : base::load_big_endian<int32_t>(bytes.data());
  }
  bool at_end() { return read(1).empty(); }

 private:
  Descriptor socket_;
  bool connected_ = false;
};

inline config::BrokerConfig config_with(const std::string& more = "") {
  auto loaded = config::load_broker_config(
      "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
      "listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0\n"
      "controller.quorum.bootstrap.servers=127.0.0.1:9093\n" +
      more);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  return loaded->config;
}

/// A started server with two reactors, and everything it needs.
class TestServer {
 public:
  explicit TestServer(FunctionHandler::Function function, const std::string& options = "",
                      std::function<void(ServerOptions&)> change = {})
      : config_(config_with(options)),
        pool(request_memory_bytes(config_)),
        handler_(std::move(function)) {
    reactors.push_back(std::make_unique<Reactor>("reactor-0"));
    reactors.push_back(std::make_unique<Reactor>("reactor-1"));
    ServerOptions chosen = *server_options(config_);
    if (change) change(chosen);
    server = std::make_unique<Server>(chosen, ServerContext{pool,
                                                            {reactors[0].get(), reactors[1].get()},
                                                            handler_,
                                                            workers_,
                                                            clock_,
                                                            base::Logger(lines, "net")});
    if (auto bound = server->bind(config_); !bound) throw std::runtime_error(bound.error().message);
    server->start();
  }
  ~TestServer() {
    server.reset();
    for (auto& reactor : reactors) reactor->stop();
    workers_.stop();
  }
  uint16_t port() const { return server->bound()[0].port; }
  uint16_t controller_port() const { return server->bound()[1].port; }

 private:
  config::BrokerConfig config_;
  base::SystemClock clock_;
  base::WorkerPool workers_{"worker", 1};

 public:
  tests::Lines lines;
  FramePool pool;
  std::vector<std::unique_ptr<Reactor>> reactors;

 private:
  FunctionHandler handler_;

 public:
  std::unique_ptr<Server> server;
};

}  // namespace longhaul::broker::net
