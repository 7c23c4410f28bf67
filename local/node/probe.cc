#include "local/node/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <memory>

namespace longhaul::local {
namespace {

using base::Errc;
using base::Result;
using Deadline = std::chrono::steady_clock::time_point;

struct Socket {
  int descriptor = -1;
  ~Socket() {
    if (descriptor >= 0) close(descriptor);
  }
};

Result<void> wait_for(int descriptor, short events, Deadline deadline) {
  while (true) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return base::fail(Errc::kTimedOut, "timed out");
    pollfd wait{descriptor, events, 0};
    int ready = poll(&wait, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return base::fail(Errc::kIo, strerror(errno));
  }
}

Result<void> connect_to(Socket& socket, const ProbeTarget& target, Deadline deadline) {
  socket.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  const std::string& host = target.host == "localhost" ? "127.0.0.1" : target.host;
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    return base::fail(Errc::kInvalidArgument, "\"" + target.host + "\" is not an address");
  std::string where = target.host + ":" + std::to_string(target.port) + ": ";
  if (::connect(socket.descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    return base::fail(Errc::kUnavailable, where + strerror(errno));
  if (auto ready = wait_for(socket.descriptor, POLLOUT, deadline); !ready)
    return base::fail(ready.error().code, where + ready.error().message);
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) return base::fail(Errc::kUnavailable, where + strerror(error));
  return {};
}

Result<std::string> read_status_line(int descriptor, Deadline deadline) {
  std::string line;
  while (line.find('\n') == line.npos && line.size() < 256) {
    LH_TRY(wait_for(descriptor, POLLIN, deadline));
    char buffer[256];
    ssize_t size = recv(descriptor, buffer, sizeof buffer, 0);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) return base::fail(Errc::kUnavailable, "the connection was closed");
    line.append(buffer, static_cast<size_t>(size));
  }
  return line.substr(0, line.find('\r'));
}

Result<void> try_http(const ProbeTarget& target, Deadline deadline) {
  Socket socket;
  LH_TRY(connect_to(socket, target, deadline));
  std::string request = "GET " + target.path + " HTTP/1.1\r\nHost: " + target.host + ":" +
                        std::to_string(target.port) +
                        "\r\nUser-Agent: kube-probe/1.34\r\nAccept: */*\r\nConnection: close\r\n";
  for (const std::string& header : target.headers) request += header + "\r\n";
  request += "\r\n";
  if (send(socket.descriptor, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    return base::fail(Errc::kUnavailable, "the request could not be sent");
  LH_ASSIGN(std::string line, read_status_line(socket.descriptor, deadline));
  size_t space = line.find(' ');
  int status = space == line.npos ? 0 : std::atoi(line.c_str() + space);
  if (status >= 200 && status < 400) return {};
  return base::fail(Errc::kUnavailable, "HTTP probe failed with status \"" + line + "\"");
}

Result<void> try_exec(const ProbeTarget& target, std::chrono::milliseconds timeout) {
  struct Done {
    std::mutex mutex;
    std::condition_variable wake;
    bool ended = false;
    Exit exit;
  };
  auto done = std::make_shared<Done>();
  LH_ASSIGN(std::unique_ptr<Process> process, Process::start(target.command, [done](Exit exit) {
              std::lock_guard lock(done->mutex);
              done->ended = true;
              done->exit = exit;
              done->wake.notify_all();
            }));
  std::unique_lock lock(done->mutex);
  if (!done->wake.wait_for(lock, timeout, [&] { return done->ended; }))
    return base::fail(Errc::kTimedOut, "the command took too long");
  if (done->exit.code == 0) return {};
  return base::fail(Errc::kUnavailable,
                    "the command ended with code " + std::to_string(done->exit.code));
}

}  // namespace

Result<void> try_probe(const ProbeTarget& target, std::chrono::milliseconds timeout) {
  Deadline deadline = std::chrono::steady_clock::now() + timeout;
  if (target.kind == ProbeTarget::Kind::kExec) return try_exec(target, timeout);
  if (target.kind == ProbeTarget::Kind::kHttp) return try_http(target, deadline);
  Socket socket;
  return connect_to(socket, target, deadline);
}

}  // namespace longhaul::local
