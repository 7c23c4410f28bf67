#include "cli/loopback.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace longhaul::cli {
namespace {

constexpr uint16_t kKafkaPort = 9092;

bool can_bind(const std::string& host, uint16_t port) {
  int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  bool free = bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(socket);
  return free;
}

}  // namespace

std::string free_loopback_base() {
  for (int i = 0; i < 100; ++i) {
    std::string prefix = "127.77." + std::to_string(i) + ".";
    if (can_bind(prefix + "2", kKafkaPort)) return prefix + "0";
  }
  return "127.77.0.0";
}

}  // namespace longhaul::cli
