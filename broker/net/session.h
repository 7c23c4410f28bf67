// One connection without its socket: bytes in, requests started, responses out in order.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "broker/net/frame_pool.h"
#include "broker/net/output_queue.h"
#include "broker/net/request.h"

namespace longhaul::broker::net {

struct SessionLimits {
  size_t frame_bytes = 100 * 1024 * 1024;  // socket.request.max.bytes
  /// Requests of one connection that are being handled or whose responses are not sent. Above it
  /// nothing more is read from that connection.
  size_t in_flight = 64;
  /// The same for bytes of responses in memory that the client does not take.
  size_t unsent_bytes = 1024 * 1024;
};

/// What all sessions of a loop share.
struct SessionContext {
  SessionLimits limits;
  FramePool& pool;
  RequestHandler& handler;
  base::EventLoop& loop;
  base::Clock& clock;
};

/// Cuts the incoming bytes into frames, hands requests over in the order in which they came, puts
/// responses into that order, and stops taking bytes when too much is in flight or memory is short.
/// It moves no bytes itself: a connection, or the simulator, does, on the session's loop:
///
///   do {
///     if (!(room = session.input(scratch)).empty()) session.received(what was read into it);
///     while (!session.output().empty()) write;
///     session.proceed();
///   } while (there are bytes to read and session.wants_input());
class Session {
 public:
  Session(SessionContext& context, std::shared_ptr<ConnectionInfo> info);
  ~Session();

  /// To be called first. Replies go to `sink`, which hands them to `complete`. `waiter` is told
  /// when memory is there again: the owner then calls `memory_granted`, reads once and calls
  /// `yield_turn`, so that the next connection may have what this one did not need.
  void attach(std::weak_ptr<ReplySink> sink, std::weak_ptr<FramePool::Waiter> waiter);

  /// Where the next bytes go: into `scratch`, or into a frame that has begun. Empty if nothing may
  /// be read now.
  std::span<uint8_t> input(std::span<uint8_t> scratch);
  /// `input` would give room, unless memory is short.
  bool wants_input() const;
  /// Room for the few bytes after those that `input` asked for (the next frame's length), for one
  /// who can read into two places at once; it may be empty.
  std::span<uint8_t> following();
  /// These first bytes of what `input` gave have been filled, and if all of it was, so many of
  /// what `following` gave.
  void received(std::span<const uint8_t> filled, size_t following = 0);
  /// Goes on with bytes that were set aside, after responses were given or went out.
  void proceed();
  void memory_granted();
  void yield_turn();

  /// The outcome of the request with this sequence. One that closes ends the session once what the
  /// requests before it are owed is sent, and so does a frame that is malformed.
  void complete(uint64_t sequence, Outcome outcome);
  OutputQueue& output() { return output_; }
  const OutputQueue& output() const { return output_; }

  /// Takes no more requests; what is in flight is still answered.
  void drain();
  /// Ends the session: nothing more goes in or out.
  void close(std::string why);
  bool closed() const { return close_reason_.has_value(); }
  const std::string& close_reason() const { return *close_reason_; }

  /// Requests that are being handled, or whose responses wait for earlier ones.
  size_t pending() const { return slots_.size(); }
  /// A frame has begun to come in and holds memory.
  bool in_frame() const { return static_cast<bool>(frame_); }
  /// Nothing is in flight and nothing is left to send.
  bool idle() const { return slots_.empty() && output_.empty(); }
  const std::shared_ptr<ConnectionInfo>& info() const { return info_; }

 private:
  struct Slot {
    bool done = false;
    bool holds_next = false;  // only ever of the last one: nothing is started behind it
    Outcome outcome;
  };

  bool may_start() const;
  size_t consume(std::span<const uint8_t> bytes);
  bool begin_frame(size_t bytes_at_hand);
  void finish_frame();
  void wait_for_memory();
  void end(std::string why);
  void settle();

  SessionContext& context_;
  std::shared_ptr<ConnectionInfo> info_;
  std::weak_ptr<ReplySink> sink_;
  std::weak_ptr<FramePool::Waiter> waiter_;

  std::array<uint8_t, 4> header_{};  // the length of a frame, as far as it has come
  size_t header_filled_ = 0;
  FrameBuffer frame_;
  size_t frame_filled_ = 0;
  FrameBuffer aside_;  // bytes that were read but could not be taken on
  size_t aside_at_ = 0;
  bool expects_large_ = false;  // the last frame was: read its successor's length by itself
  bool waiting_ = false;        // in the pool's queue
  bool turn_ = false;           // told by the pool that there is memory
  bool draining_ = false;
  bool consuming_ = false;  // handlers are being called: their replies change nothing of the input

  std::vector<Slot> slots_;  // of requests that were started, the oldest first
  uint64_t first_sequence_ = 0;
  OutputQueue output_;
  std::optional<std::string> ending_;  // why it closes when the last answer is sent
  std::optional<std::string> close_reason_;
};

}  // namespace longhaul::broker::net
