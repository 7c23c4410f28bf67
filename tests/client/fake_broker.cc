#include "tests/client/fake_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/messages/api_versions.h"

namespace longhaul::tests {
namespace {

bool read_all(int socket, uint8_t* out, size_t size) {
  while (size > 0) {
    ssize_t count = read(socket, out, size);
    if (count <= 0) return false;
    out += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

}  // namespace

FakeBroker::FakeBroker(Handler handler) : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bool good = bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
              listen(listener_, 8) == 0 &&
              getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  LH_ASSERT(good, "loopback has free ports");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FakeBroker::~FakeBroker() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  drop_connection();
  thread_.join();
  close(listener_);
}

void FakeBroker::drop_connection() {
  if (int socket = connection_; socket >= 0) shutdown(socket, SHUT_RDWR);
}

void FakeBroker::serve() {
  while (!stopping_) {
    int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    connection_ = connection;
    ++connections_;
    if (!stopping_) serve_connection(connection);
    connection_ = -1;
    close(connection);
  }
}

void FakeBroker::serve_connection(int connection) {
  uint8_t head[4];
  while (read_all(connection, head, 4)) {
    base::Bytes frame(static_cast<size_t>(base::load_big_endian<int32_t>(head)));
    if (!read_all(connection, frame.data(), frame.size())) return;
    auto request = protocol::parse_request(frame);
    LH_ASSERT(request.has_value(), "the client sends good requests");
    ++requests_;
    base::Bytes answer = handler_(*request);
    if (!answer.empty() && send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
  }
}

base::Bytes FakeBroker::versions(const protocol::RequestFrame& request,
                                 const std::vector<protocol::ApiKey>& keys) {
  protocol::ApiVersionsResponse response;
  for (protocol::ApiKey key : keys) {
    const protocol::ApiInfo* api = protocol::find_api(key);
    response.api_keys.push_back({static_cast<int16_t>(key), api->min_version, api->max_version});
  }
  return answer(request, response, request.version);
}

}  // namespace longhaul::tests
