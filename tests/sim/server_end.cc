#include "tests/sim/server_end.h"

#include <algorithm>
#include <utility>

namespace longhaul::sim {

namespace {
constexpr size_t kBlock = 64 * 1024;
}  // namespace

ServerEnd::ServerEnd(broker::net::SessionContext& context, std::shared_ptr<Link> link,
                     std::shared_ptr<broker::net::ConnectionInfo> info)
    : context_(context),
      session_(context, std::move(info)),
      link_(std::move(link)),
      scratch_(4096) {}

void ServerEnd::start(std::function<void(const std::string& why)> closed) {
  closed_ = std::move(closed);
  session_.attach(weak_from_this(), weak_from_this());
  auto on_loop = [weak = weak_from_this()](auto act) {
    auto self = weak.lock();
    if (!self) return;
    self->context_.loop.post([self, act = std::move(act)]() mutable { act(*self); });
  };
  link_->to_server.read_by(
      [on_loop](base::Bytes bytes) {
        on_loop([bytes = std::move(bytes)](ServerEnd& self) {
          self.unread_.insert(self.unread_.end(), bytes.begin(), bytes.end());
          self.pump();
        });
      },
      [on_loop] { on_loop([](ServerEnd& self) { self.close(""); }); });
}

bool ServerEnd::read_some() {
  if (unread_.empty()) return false;
  std::span<uint8_t> room = session_.input(scratch_);
  size_t size = std::min(room.size(), unread_.size());
  if (size == 0) return false;
  std::copy_n(unread_.begin(), size, room.begin());
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<ptrdiff_t>(size));
  session_.received(room.first(size));
  return true;
}

bool ServerEnd::write_some() {
  if (halted_ || session_.closed() || session_.output().empty()) return false;
  base::Bytes block(kBlock);
  auto got = session_.output().read(block);
  if (halted_) return false;
  if (!got) {
    session_.close(got.error().message);
    return false;
  }
  block.resize(*got);
  link_->to_client.write(std::move(block));
  return true;
}

void ServerEnd::pump() {
  for (bool moved = true; moved && !halted_ && !session_.closed();) {
    moved = read_some();
    while (write_some()) moved = true;
    if (halted_ || session_.closed()) break;
    session_.proceed();
    moved |= !unread_.empty() && session_.wants_input();
  }
  if (halted_) return;
  if (session_.closed()) return close(session_.close_reason());
  if (draining_ && session_.idle()) close("");
}

void ServerEnd::drain() {
  if (!closed_) return;
  draining_ = true;
  session_.drain();
  pump();
}

void ServerEnd::close(const std::string& why) {
  if (!closed_) return;
  session_.close(why);
  link_->to_server.abandon();
  link_->to_client.end();
  std::exchange(closed_, nullptr)(why);
}

void ServerEnd::cut() {
  closed_ = nullptr;
  link_->to_server.abandon();
  link_->to_client.cut();
}

void ServerEnd::deliver(uint64_t sequence, broker::net::Outcome outcome) {
  context_.loop.post([self = shared_from_this(), sequence, outcome = std::move(outcome)]() mutable {
    if (self->session_.closed()) return;
    self->session_.complete(sequence, std::move(outcome));
    self->pump();
  });
}

void ServerEnd::memory_freed() {
  context_.loop.post([self = shared_from_this()] {
    self->session_.memory_granted();
    self->pump();
    self->session_.yield_turn();
  });
}

}  // namespace longhaul::sim
