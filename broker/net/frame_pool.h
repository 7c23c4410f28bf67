// Memory for requests: buffers that are used again, and a bound over all connections.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "broker/net/frame_buffer.h"

namespace longhaul::broker::net {

/// Gives out frames as long as less than `limit` bytes are out: the sum is never above the limit,
/// one frame, and what reactors have read when the limit is met. Safe from any thread.
///
/// Buffers from 4 KiB to 4 MiB go back to a cache of at most 8 MiB, because pages that are mapped
/// anew for each large produce would cost more than the produce.
class FramePool {
 public:
  /// Told once, from any thread, that memory may be had again; see `wait`.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void memory_freed() = 0;
  };

  explicit FramePool(uint64_t limit_bytes) : limit_(limit_bytes) {}
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  /// A frame of `size` > 0 bytes, or an empty buffer if the limit is met. While no frame is out one
  /// is always granted, so that whatever waits goes on one by one; so is one whose bytes are
  /// `in_memory` already.
  FrameBuffer acquire(size_t size, bool in_memory = false);
  /// For bytes that are in memory already: always granted. Counts against the limit.
  FrameBuffer stash(base::ByteView bytes);
  /// True when nobody should read on: the limit is met, or others wait for memory already.
  bool exhausted() const;
  /// Less than the limit is out.
  bool has_room() const;
  /// Puts `waiter` at the end of those who are told when memory is freed. Each is told alone; it
  /// must then call `wake_next` when it has taken what it needs (or needs nothing any more). Those
  /// who hold a stash come first: memory is freed when they go on.
  void wait(std::weak_ptr<Waiter> waiter, bool holds_stash);
  /// Tells the next waiter, if there is one and memory for it.
  void wake_next();
  bool has_waiters() const { return waiting_.load(std::memory_order_relaxed) > 0; }

  uint64_t limit() const { return limit_; }
  /// Bytes of frames and stashes that are out.
  uint64_t used() const {
    return frames_.load(std::memory_order_relaxed) + stashes_.load(std::memory_order_relaxed);
  }
  /// Bytes kept for the next frames.
  uint64_t cached() const;

 private:
  friend class FrameBuffer;
  static constexpr size_t kClasses = 41;

  bool may_grant() const;
  std::shared_ptr<Waiter> pop_waiter();
  uint8_t* allocate(size_t size);
  void give_back(uint8_t* data, size_t size, bool stash);

  const uint64_t limit_;
  std::atomic<uint64_t> frames_{0};
  std::atomic<uint64_t> stashes_{0};
  std::atomic<size_t> waiting_{0};  // in both queues

  mutable std::mutex mutex_;  // of what follows
  std::deque<std::weak_ptr<Waiter>> with_stash_, without_stash_;
  std::array<std::vector<uint8_t*>, kClasses> cache_;
  uint64_t cached_ = 0;
};

}  // namespace longhaul::broker::net
