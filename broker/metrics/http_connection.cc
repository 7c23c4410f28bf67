#include "broker/metrics/http_connection.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "broker/metrics/http_head.h"

namespace longhaul::broker::metrics {
namespace {

/// What a client still sends after its answer is read and thrown away, so that the kernel does not
/// reset the connection before the answer is read; within these bounds.
constexpr size_t kMaxDrainedBytes = 64 * 1024;
constexpr std::chrono::seconds kDrainTime{1};

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

std::string head_of(const Page& page) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}"
      "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
      page.status, reason_of(page.status), page.content_type, page.body.size(),
      page.status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

}  // namespace

void HttpConnection::start() {
  expect_end_within(context_.patience);
  context_.reactor.watch(socket_.get(), *this);
}

/// Nothing a client does makes this longer.
void HttpConnection::expect_end_within(std::chrono::milliseconds time) {
  context_.reactor.cancel(deadline_);
  deadline_ = context_.reactor.after(time, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->close();
  });
}

void HttpConnection::ready(uint32_t events) {
  if (!socket_.open()) return;
  if (events & (EPOLLHUP | EPOLLERR)) return close();
  if (state_ == State::kReading) read_head();
  if (state_ == State::kSending) flush();
  if (state_ == State::kDraining) drain();
}

void HttpConnection::read_head() {
  std::array<char, 2048> block;
  while (state_ == State::kReading) {
    ssize_t got = recv(socket_.get(), block.data(), block.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return close();
    input_.append(block.data(), static_cast<size_t>(got));
    take_head();
    if (!socket_.open()) return;
  }
}

/// Answers if all of the head is there, or can never be.
void HttpConnection::take_head() {
  auto head = parse_http_head(input_);
  if (!head) return respond({.status = 400, .body = head.error().message + "\n"});
  if (!*head) return;
  head_only_ = (*head)->method == "HEAD";
  if (!head_only_ && (*head)->method != "GET") {
    return respond({.status = 405, .body = "only GET and HEAD\n"});
  }
  state_ = State::kAnswering;
  input_ = {};
  // May be answered on another thread, and after this connection or all of the server has gone.
  context_.handler((*head)->path,
                   [weak = weak_from_this(), &reactor = context_.reactor](Page page) {
                     reactor.post([weak, page = std::move(page)] {
                       auto self = weak.lock();
                       if (self && self->state_ == State::kAnswering) self->respond(page);
                     });
                   });
}

void HttpConnection::respond(const Page& page) {
  if (!socket_.open()) return;
  output_ = head_of(page);
  if (!head_only_) output_ += page.body;
  state_ = State::kSending;
  expect_end_within(context_.patience);
  flush();
}

void HttpConnection::flush() {
  while (sent_ < output_.size()) {
    ssize_t result =
        send(socket_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0 && errno == EAGAIN) return;
    if (result < 0) return close();
    sent_ += static_cast<size_t>(result);
  }
  output_ = {};
  shutdown(socket_.get(), SHUT_WR);
  state_ = State::kDraining;
  expect_end_within(kDrainTime);
  drain();
}

void HttpConnection::drain() {
  std::array<char, 4096> block;
  while (drained_ < kMaxDrainedBytes) {
    ssize_t got = recv(socket_.get(), block.data(), block.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) break;
    drained_ += static_cast<size_t>(got);
  }
  close();
}

void HttpConnection::close() {
  if (!socket_.open()) return;
  socket_.close();
  context_.reactor.cancel(deadline_);
  context_.reactor.retire(shared_from_this());
  context_.closed(*this);
}

}  // namespace longhaul::broker::metrics
