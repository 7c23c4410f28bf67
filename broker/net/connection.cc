#include "broker/net/connection.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/config/listeners.h"

namespace longhaul::broker::net {
namespace {

/// A connection reads or sends about this much before others on the reactor have their turn.
constexpr int kReadsPerTurn = 16;
constexpr uint64_t kSendPerTurn = 4 * 1024 * 1024;
/// Ranges of files are looked at, and fetched from disk, in steps of this size.
constexpr uint64_t kFileStep = 1024 * 1024;
constexpr size_t kMaxParts = 64;
constexpr size_t kProgress = 64 * 1024;

/// Reads a range so that it is in the page cache afterwards. An error shows when it is sent.
void touch(const base::File& file, uint64_t offset, uint64_t size) {
  std::vector<uint8_t> block(64 * 1024);
  for (uint64_t at = 0; at < size; at += block.size()) {
    size_t part = static_cast<size_t>(std::min<uint64_t>(block.size(), size - at));
    if (!file.read_at(offset + at, std::span(block).first(part))) return;
  }
}

}  // namespace

Connection::Connection(std::shared_ptr<ConnectionContext> context, Descriptor socket,
                       std::shared_ptr<ConnectionInfo> info)
    : context_(std::move(context)),
      socket_(std::move(socket)),
      session_(context_->session, std::move(info)) {}

void Connection::start() {
  session_.attach(weak_from_this(), weak_from_this());
  last_active_ = last_progress_ = context_->reactor.now();
  context_->reactor.watch(socket_.get(), *this);
}

void Connection::ready(uint32_t events) {
  if (closed()) return;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer_done_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & EPOLLOUT) writable_ = true;
  // Nobody is left to answer, and no read would find that out soon.
  if ((events & (EPOLLHUP | EPOLLERR)) && !session_.wants_input()) return close("");
  pump();
}

bool Connection::can_go_on() const {
  if (closed()) return false;
  bool can_send = writable_ && !waits_for_disk_ && !session_.output().empty();
  return can_send || (readable_ && session_.wants_input());
}

/// Takes a turn now, or after the one that is being taken: turns share the scratch buffer, and a
/// handler may answer any connection of its reactor.
void Connection::pump() {
  if (closed() || context_->current == this) return;
  if (context_->current) {
    if (!std::exchange(answered_, true)) context_->answered.push_back(shared_from_this());
    return;
  }
  take_turn();
  run_answered();
}

void Connection::run_answered() {
  std::shared_ptr<ConnectionContext> context = context_;
  if (context->answered.empty()) return;
  std::vector<std::shared_ptr<Connection>> now = std::exchange(context->answered, {});
  for (const std::shared_ptr<Connection>& connection : now) {
    connection->answered_ = false;
    connection->take_turn();
  }
  if (context->answered.empty()) return;
  // Whom they have answered comes after what else waits on the reactor.
  context->reactor.post([first = context->answered.front()] { first->run_answered(); });
}

/// Reads, handles and sends until there is nothing more to do or others should have their turn.
void Connection::take_turn() {
  if (closed()) return;
  std::shared_ptr<Connection> alive = shared_from_this();
  context_->current = this;
  if (std::exchange(granted_, false)) session_.memory_granted();
  quota_ = kSendPerTurn;
  int turns = kReadsPerTurn;
  do {
    read_once();
    flush();
    session_.proceed();
    if (session_.closed()) close(session_.close_reason());
  } while (--turns > 0 && quota_ > 0 && can_go_on());
  context_->current = nullptr;
  session_.yield_turn();
  if (closed()) return;
  if (draining_ && session_.idle()) return close("");
  if (can_go_on()) context_->reactor.post([alive] { alive->pump(); });
}

void Connection::read_once() {
  if (!readable_) return;
  std::span<uint8_t> room = session_.input(context_->scratch);
  if (room.empty()) return;
  std::span<uint8_t> more = session_.following();
  std::array<iovec, 2> places = {iovec{room.data(), room.size()}, iovec{more.data(), more.size()}};
  ssize_t got = readv(socket_.get(), places.data(), more.empty() ? 1 : 2);
  if (got < 0 && errno == EINTR) return;
  if (got < 0 && errno == EAGAIN) {
    readable_ = false;
    return;
  }
  if (got <= 0) return close("");  // the client's own doing, nothing to tell
  last_active_ = context_->reactor.now();
  size_t size = static_cast<size_t>(got);
  // A short read means that the socket is empty, unless the end of the stream has to be seen yet.
  if (size < room.size() + more.size() && !peer_done_) readable_ = false;
  size_t first = std::min(size, room.size());
  session_.received(room.first(first), size - first);
  since_progress_ += size;
  if (!session_.in_frame() || since_progress_ >= kProgress) {
    last_progress_ = last_active_;
    since_progress_ = 0;
  }
}

void Connection::flush() {
  while (!closed() && writable_ && !waits_for_disk_ && quota_ > 0) {
    if (session_.closed() || session_.output().empty()) return;
    if (!send_memory() || closed() || !send_file()) return;
  }
}

/// Accounts for what a send returned; false if no more can be sent now.
bool Connection::sent(ssize_t result) {
  if (result < 0) {
    if (errno == EINTR) return true;
    if (errno == EAGAIN) {
      writable_ = false;
    } else {
      close("");
    }
    return false;
  }
  session_.output().consumed(static_cast<uint64_t>(result));
  quota_ -= std::min<uint64_t>(quota_, static_cast<uint64_t>(result));
  last_active_ = context_->reactor.now();
  return true;
}

/// Sends what is in memory before the next file range; false if that did not all go out.
bool Connection::send_memory() {
  std::array<base::ByteView, kMaxParts> parts;
  size_t count = session_.output().gather(parts);
  if (count == 0) return true;
  std::array<iovec, kMaxParts> vectors;
  size_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    vectors[i] = {const_cast<uint8_t*>(parts[i].data()), parts[i].size()};
    total += parts[i].size();
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  // What follows at once goes into the same packets.
  int more = session_.output().bytes_in_memory() > total || session_.output().has_file_range()
                 ? MSG_MORE
                 : 0;
  ssize_t result = sendmsg(socket_.get(), &message, MSG_NOSIGNAL | more);
  if (result >= 0 && static_cast<size_t>(result) < total) writable_ = false;
  return sent(result) && writable_;
}

/// Sends of the file range that comes next, if one does; false if nothing more can be sent now.
bool Connection::send_file() {
  base::FileSlice range = session_.output().file_range();
  if (range.size == 0) return true;
  range.size = std::min(range.size, kFileStep);
  if (!is_at_hand(range)) {
    fetch_from_disk(std::move(range));
    return false;
  }
  if (range.file->descriptor() < 0) return send_copied(range);
  auto offset = static_cast<off_t>(range.offset);
  ssize_t result =
      sendfile(socket_.get(), range.file->descriptor(), &offset, static_cast<size_t>(range.size));
  if (result == 0) {
    close("a file shrank while a range of it was being sent");
    return false;
  }
  return sent(result);
}

bool Connection::send_copied(const base::FileSlice& range) {
  std::span<uint8_t> block(context_->scratch);
  size_t wanted = static_cast<size_t>(std::min<uint64_t>(block.size(), range.size));
  base::Result<size_t> got = range.file->read_at(range.offset, block.first(wanted));
  if (!got || *got == 0) {
    close(got ? "a file shrank while a range of it was being sent" : got.error().message);
    return false;
  }
  return sent(send(socket_.get(), block.data(), *got, MSG_NOSIGNAL));
}

bool Connection::is_at_hand(const base::FileSlice& range) {
  if (range.file.get() == at_hand_file_ && range.offset >= at_hand_from_ &&
      range.offset + range.size <= at_hand_to_) {
    return true;
  }
  if (!range.file->is_resident(range.offset, range.size)) return false;
  at_hand_file_ = range.file.get();
  at_hand_from_ = range.offset;
  at_hand_to_ = range.offset + range.size;
  return true;
}

/// Has a worker read the range, so that no one waits for the disk on the reactor, then goes on.
void Connection::fetch_from_disk(base::FileSlice range) {
  waits_for_disk_ = true;
  at_hand_file_ = range.file.get();
  at_hand_from_ = range.offset;
  at_hand_to_ = range.offset + range.size;
  context_->workers.post([self = shared_from_this(), range = std::move(range)] {
    touch(*range.file, range.offset, range.size);
    self->context_->reactor.post([self] {
      self->waits_for_disk_ = false;
      self->pump();
    });
  });
}

void Connection::deliver(uint64_t sequence, Outcome outcome) {
  if (!context_->reactor.is_current()) {
    context_->reactor.post(
        [self = shared_from_this(), sequence, outcome = std::move(outcome)]() mutable {
          self->deliver(sequence, std::move(outcome));
        });
    return;
  }
  if (closed()) return;
  take_in_small_slices(outcome.response);
  session_.complete(sequence, std::move(outcome));
  pump();  // unless it is what called us: then it goes on by itself
}

void Connection::memory_freed() {
  context_->reactor.post([self = shared_from_this()] {
    self->granted_ = true;
    self->pump();
    if (self->closed()) self->context_->session.pool.wake_next();
  });
}

void Connection::drain() {
  if (closed()) return;
  draining_ = true;
  session_.drain();
  pump();
}

void Connection::close(const std::string& why) {
  if (closed()) return;
  if (!why.empty()) {
    context_->log.warn("connection {} from {} at {} closed: {}", info().id,
                       config::to_string(config::HostPort{info().client_host, info().client_port}),
                       info().listener, why);
  }
  session_.close(why);
  socket_.close();
  if (auto& told = session_.info()->on_closed) std::exchange(told, {})();
  session_.info()->when_closed.run();
  context_->reactor.retire(shared_from_this());
  context_->owner.closed(*this);
}

}  // namespace longhaul::broker::net
