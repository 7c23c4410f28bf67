#include "broker/net/frame_pool.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/assert.h"

namespace longhaul::broker::net {
namespace {

constexpr size_t kSmallest = 4 * 1024;        // below, malloc is as good as any cache
constexpr size_t kLargest = 4 * 1024 * 1024;  // above, a buffer is not worth keeping
constexpr size_t kMapped = 128 * 1024;        // from here on pages go back to the kernel when freed
constexpr uint64_t kMaxCached = 8 * 1024 * 1024;
constexpr size_t kNoClass = SIZE_MAX;

/// Four classes for each power of two, so that at most a fifth of a buffer is unused.
struct SizeClass {
  size_t index;
  size_t capacity;
};
SizeClass class_of(size_t size) {
  if (size < kSmallest || size > kLargest) return {kNoClass, size};
  size_t power = std::bit_floor(size);
  size_t step = power / 4;
  size_t quarter = (size - power + step - 1) / step;  // 0 … 4
  size_t doublings = static_cast<size_t>(std::countr_zero(power) - std::countr_zero(kSmallest));
  return {doublings * 4 + quarter, power + quarter * step};
}

uint8_t* map_or_malloc(size_t capacity) {
  if (capacity < kMapped) {
    void* memory = std::malloc(capacity);
    if (!memory) throw std::bad_alloc();
    return static_cast<uint8_t*>(memory);
  }
  void* memory =
      mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<uint8_t*>(memory);
}

void unmap_or_free(uint8_t* data, size_t capacity) {
  if (capacity < kMapped) {
    std::free(data);
  } else {
    munmap(data, capacity);
  }
}

}  // namespace

FrameBuffer::~FrameBuffer() {
  if (!data_) return;
  if (pool_) {
    pool_->give_back(data_, size_, stash_);
  } else {
    std::free(data_);
  }
}

FrameBuffer FrameBuffer::copy_of(base::ByteView bytes) {
  auto* data = static_cast<uint8_t*>(std::malloc(bytes.size() + 1));
  if (!data) throw std::bad_alloc();
  if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  return {data, bytes.size(), nullptr, false};
}

FramePool::~FramePool() {
  LH_ASSERT(used() == 0, "a frame outlives the pool it came from");
  for (size_t index = 0; index < kClasses; ++index) {
    size_t power = kSmallest << (index / 4);
    for (uint8_t* data : cache_[index]) unmap_or_free(data, power + (index % 4) * (power / 4));
  }
}

bool FramePool::has_room() const {
  return frames_.load(std::memory_order_seq_cst) + stashes_.load(std::memory_order_seq_cst) <
         limit_;
}

bool FramePool::may_grant() const {
  return has_room() || frames_.load(std::memory_order_seq_cst) == 0;
}

bool FramePool::exhausted() const { return has_waiters() || !has_room(); }

uint8_t* FramePool::allocate(size_t size) {
  SizeClass wanted = class_of(size);
  if (wanted.index != kNoClass) {
    std::lock_guard lock(mutex_);
    std::vector<uint8_t*>& cached = cache_[wanted.index];
    if (!cached.empty()) {
      uint8_t* data = cached.back();
      cached.pop_back();
      cached_ -= wanted.capacity;
      return data;
    }
  }
  return map_or_malloc(wanted.capacity);
}

FrameBuffer FramePool::acquire(size_t size, bool in_memory) {
  if (!in_memory && !may_grant()) return {};
  frames_.fetch_add(size, std::memory_order_relaxed);
  return {allocate(size), size, this, false};
}

FrameBuffer FramePool::stash(base::ByteView bytes) {
  stashes_.fetch_add(bytes.size(), std::memory_order_relaxed);
  FrameBuffer buffer(allocate(bytes.size()), bytes.size(), this, true);
  std::memcpy(buffer.data(), bytes.data(), bytes.size());
  return buffer;
}

void FramePool::give_back(uint8_t* data, size_t size, bool stash) {
  SizeClass of = class_of(size);
  bool kept = false;
  if (of.index != kNoClass) {
    std::lock_guard lock(mutex_);
    kept = cached_ + of.capacity <= kMaxCached;
    if (kept) {
      cache_[of.index].push_back(data);
      cached_ += of.capacity;
    }
  }
  if (!kept) unmap_or_free(data, of.capacity);
  // Ordered with `wait`, which looks for room after it has announced itself.
  (stash ? stashes_ : frames_).fetch_sub(size, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst) > 0) wake_next();
}

void FramePool::wait(std::weak_ptr<Waiter> waiter, bool holds_stash) {
  {
    std::lock_guard lock(mutex_);
    (holds_stash ? with_stash_ : without_stash_).push_back(std::move(waiter));
    waiting_.store(with_stash_.size() + without_stash_.size(), std::memory_order_seq_cst);
  }
  // Memory may have been freed between the caller's look and now.
  wake_next();
}

/// The first of those who could go on now and are still there.
std::shared_ptr<FramePool::Waiter> FramePool::pop_waiter() {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Waiter> next;
  while (!next) {
    bool first = !with_stash_.empty() && may_grant();
    if (!first && (without_stash_.empty() || !has_room())) break;
    std::deque<std::weak_ptr<Waiter>>& queue = first ? with_stash_ : without_stash_;
    next = queue.front().lock();
    queue.pop_front();
  }
  waiting_.store(with_stash_.size() + without_stash_.size(), std::memory_order_seq_cst);
  return next;
}

void FramePool::wake_next() {
  if (std::shared_ptr<Waiter> next = pop_waiter()) next->memory_freed();
}

uint64_t FramePool::cached() const {
  std::lock_guard lock(mutex_);
  return cached_;
}

}  // namespace longhaul::broker::net
