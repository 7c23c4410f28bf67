// The bytes of one request frame, and the bound on how many of them a node holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/bytes.h"

namespace longhaul::broker::net {

class FramePool;

/// Owns the memory of one frame. Gives it back to its pool when destroyed, from any thread; the
/// pool outlives it. The bytes are not initialised and may be written by whoever owns the buffer:
/// a produce patches base offsets in place and writes its log straight from here.
class FrameBuffer {
 public:
  FrameBuffer() = default;
  /// A buffer of no pool with a copy of `bytes`, for tests and for requests made inside a node.
  static FrameBuffer copy_of(base::ByteView bytes);

  FrameBuffer(FrameBuffer&& other) noexcept { swap(other); }
  FrameBuffer& operator=(FrameBuffer&& other) noexcept {
    FrameBuffer(std::move(other)).swap(*this);
    return *this;
  }
  FrameBuffer(const FrameBuffer&) = delete;
  FrameBuffer& operator=(const FrameBuffer&) = delete;
  ~FrameBuffer();

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<uint8_t> span() { return {data_, size_}; }
  base::ByteView view() const { return {data_, size_}; }
  explicit operator bool() const { return data_ != nullptr; }
  void swap(FrameBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(pool_, other.pool_);
    std::swap(stash_, other.stash_);
  }

 private:
  friend class FramePool;
  FrameBuffer(uint8_t* data, size_t size, FramePool* pool, bool stash)
      : data_(data), size_(size), pool_(pool), stash_(stash) {}

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  FramePool* pool_ = nullptr;
  bool stash_ = false;  // counted apart, see FramePool::stash
};

}  // namespace longhaul::broker::net
