// A raw socket that speaks as much HTTP as the tests want, right or wrong.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "broker/net/socket.h"

namespace longhaul::broker::metrics {

/// Blocking.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  bool connected() const { return connected_; }

  /// As much as the server takes.
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  /// No more will be sent.
  void finish() { shutdown(socket_.get(), SHUT_WR); }
  /// Everything until the server closes.
  std::string read_all() {
    std::string all;
    char block[4096];
    for (;;) {
      ssize_t got = recv(socket_.get(), block, sizeof(block), 0);
      if (got <= 0) return all;
      all.append(block, static_cast<size_t>(got));
    }
  }

 private:
  net::Descriptor socket_;
  bool connected_ = false;
};

struct Response {
  int status = 0;  // 0: there was none
  std::string head;
  std::string body;
};

inline Response parse_response(const std::string& text) {
  Response response;
  size_t end = text.find("\r\n\r\n");
  if (text.rfind("HTTP/1.1 ", 0) != 0 || end == text.npos) return response;
  response.status = std::stoi(text.substr(9, 3));
  response.head = text.substr(0, end + 2);
  response.body = text.substr(end + 4);
  return response;
}

inline Response ask(uint16_t port, std::string_view request) {
  RawClient client(port);
  client.send(request);
  return parse_response(client.read_all());
}

inline Response get(uint16_t port, const std::string& path) {
  return ask(port, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

}  // namespace longhaul::broker::metrics
