#include "broker/net/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace longhaul::broker::net {
namespace {

/// After a frame of this size the next one's length is read by itself and the rest straight into
/// its buffer: a system call more is cheaper than copying what the scratch buffer would have
/// caught.
constexpr size_t kLargeFrame = 24 * 1024;

}  // namespace

Session::Session(SessionContext& context, std::shared_ptr<ConnectionInfo> info)
    : context_(context), info_(std::move(info)) {}

void Session::attach(std::weak_ptr<ReplySink> sink, std::weak_ptr<FramePool::Waiter> waiter) {
  sink_ = std::move(sink);
  waiter_ = std::move(waiter);
}

Session::~Session() { yield_turn(); }

void Session::yield_turn() {
  if (std::exchange(turn_, false)) context_.pool.wake_next();
}

bool Session::may_start() const {
  bool held = !slots_.empty() && slots_.back().holds_next && !slots_.back().done;
  return !held && slots_.size() + output_.count() < context_.limits.in_flight &&
         output_.bytes_in_memory() < context_.limits.unsent_bytes;
}

bool Session::wants_input() const {
  if (closed() || draining_ || consuming_) return false;
  if (frame_) return true;
  bool length_waits = header_filled_ == 4;  // for `proceed` to begin its frame
  return !aside_ && !waiting_ && !length_waits && may_start();
}

std::span<uint8_t> Session::input(std::span<uint8_t> scratch) {
  if (!wants_input()) return {};
  if (frame_) return frame_.span().subspan(frame_filled_);
  // One whose turn it is stands before all who wait, but needs the room like them.
  if (turn_ ? !context_.pool.has_room() : context_.pool.exhausted()) {
    wait_for_memory();
    return {};
  }
  return expects_large_ ? scratch.first(4 - header_filled_) : scratch;
}

std::span<uint8_t> Session::following() {
  if (!frame_) return {};
  return header_;
}

void Session::received(std::span<const uint8_t> filled, size_t following) {
  if (closed() || filled.empty()) return;
  if (frame_) {
    frame_filled_ += filled.size();
    header_filled_ = following;
    if (frame_filled_ == frame_.size()) finish_frame();
    return;
  }
  size_t taken = consume(filled);
  if (taken < filled.size() && !closed() && !draining_) {
    aside_ = context_.pool.stash(filled.subspan(taken));
    aside_at_ = 0;
  }
}

void Session::proceed() {
  if (ending_ && output_.empty()) return close(*ending_);
  if (closed() || draining_ || waiting_ || consuming_) return;
  if (aside_) {
    aside_at_ += consume(aside_.view().subspan(aside_at_));
    if (aside_ && aside_at_ == aside_.size()) aside_ = {};
  } else if (!frame_ && header_filled_ == 4 && may_start()) {
    begin_frame(0);
  }
}

void Session::memory_granted() {
  waiting_ = false;
  turn_ = true;
  proceed();
}

/// Takes frames from `bytes` as long as they may be started; returns how many bytes it took.
size_t Session::consume(std::span<const uint8_t> bytes) {
  size_t taken = 0;
  consuming_ = true;
  while (taken < bytes.size() && !closed() && !draining_) {
    if (!frame_) {
      if (!may_start()) break;
      while (header_filled_ < 4 && taken < bytes.size()) {
        header_[header_filled_++] = bytes[taken++];
      }
      if (header_filled_ < 4 || !begin_frame(bytes.size() - taken)) break;
    }
    size_t size = std::min(bytes.size() - taken, frame_.size() - frame_filled_);
    std::memcpy(frame_.data() + frame_filled_, bytes.data() + taken, size);
    taken += size;
    frame_filled_ += size;
    if (frame_filled_ == frame_.size()) finish_frame();
  }
  consuming_ = false;
  return taken;
}

void Session::wait_for_memory() {
  bool has_read = aside_ || header_filled_ > 0;
  if (!std::exchange(waiting_, true)) context_.pool.wait(waiter_, has_read);
}

/// False if the frame cannot begin: its length is impossible (the session is closed) or there is no
/// memory (the session waits for it).
bool Session::begin_frame(size_t bytes_at_hand) {
  auto size = base::load_big_endian<int32_t>(header_.data());
  if (size <= 0 || static_cast<size_t>(size) > context_.limits.frame_bytes) {
    end(fmt::format("a frame of {} bytes, but one has 1 to {} (socket.request.max.bytes)", size,
                    context_.limits.frame_bytes));
    return false;
  }
  auto wanted = static_cast<size_t>(size);
  // What is in memory anyway may as well be handled: that is how memory is freed.
  frame_ = context_.pool.acquire(wanted, wanted <= bytes_at_hand);
  if (!frame_) {
    wait_for_memory();
    return false;
  }
  yield_turn();
  header_filled_ = 0;
  frame_filled_ = 0;
  expects_large_ = wanted >= kLargeFrame;
  return true;
}

void Session::finish_frame() {
  FrameBuffer frame = std::move(frame_);
  base::Result<Request> request =
      Request::parse(std::move(frame), info_, context_.loop, context_.clock.monotonic());
  if (!request) return end(request.error().message);
  uint64_t sequence = first_sequence_ + slots_.size();
  slots_.emplace_back();
  context_.handler.handle(*std::move(request), Reply(sink_.lock(), sequence));
  // If any slot is left, ours is the last.
  if (std::exchange(info_->holds_next, false) && !slots_.empty()) slots_.back().holds_next = true;
}

/// A request that cannot be handed over closes the connection, but not before those before it are
/// answered: their client may have done all right.
void Session::end(std::string why) {
  drain();
  slots_.push_back({.done = true, .outcome = {Outcome::Kind::kClose, {}, std::move(why)}});
  settle();
}

void Session::complete(uint64_t sequence, Outcome outcome) {
  if (closed() || ending_) return;
  if (outcome.kind == Outcome::Kind::kClose) drain();
  LH_ASSERT(sequence - first_sequence_ < slots_.size(), "an answer to a request that is none");
  Slot& slot = slots_[sequence - first_sequence_];
  slot.done = true;
  slot.outcome = std::move(outcome);
  settle();
}

/// Moves the outcomes that nothing stands before to where they take effect.
void Session::settle() {
  size_t ready = 0;
  while (ready < slots_.size() && slots_[ready].done) {
    Outcome& done = slots_[ready++].outcome;
    if (done.kind == Outcome::Kind::kResponse) output_.push(std::move(done.response));
    if (done.kind != Outcome::Kind::kClose) continue;
    ending_ = std::move(done.why);
    slots_ = {};
    if (output_.empty()) close(*ending_);
    return;
  }
  slots_.erase(slots_.begin(), slots_.begin() + static_cast<ptrdiff_t>(ready));
  first_sequence_ += ready;
  if (slots_.empty() && slots_.capacity() > 16) slots_.shrink_to_fit();
}

void Session::drain() {
  draining_ = true;
  frame_ = {};
  aside_ = {};
  header_filled_ = 0;
  yield_turn();
}

void Session::close(std::string why) {
  if (closed()) return;
  drain();
  close_reason_ = std::move(why);
  slots_ = {};
  output_.clear();
}

}  // namespace longhaul::broker::net
