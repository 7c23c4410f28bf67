#include "broker/log/recent_batches.h"

#include <utility>

namespace longhaul::broker::log {

void RecentBatches::add(const BatchPosition& batch) {
  std::lock_guard lock(mutex_);
  if (ring_.size() < kKept) {
    ring_.push_back(batch);
  } else {
    ring_[next_] = batch;
  }
  next_ = (next_ + 1) % kKept;
  added_ = true;
}

void RecentBatches::clear() {
  std::lock_guard lock(mutex_);
  ring_ = {};
  next_ = 0;
  added_ = false;
}

void RecentBatches::clear_idle() {
  std::lock_guard lock(mutex_);
  if (std::exchange(added_, false)) return;
  ring_ = {};
  next_ = 0;
}

std::optional<BatchPosition> RecentBatches::find(int64_t offset) const {
  std::lock_guard lock(mutex_);
  std::optional<BatchPosition> first;
  for (size_t back = 1; back <= ring_.size(); ++back) {
    const BatchPosition& batch = ring_[(next_ + kKept - back) % kKept];
    if (batch.last_offset < offset) return first;
    first = batch;
    if (batch.base_offset <= offset) return first;
  }
  return std::nullopt;  // an older one may reach so far too
}

}  // namespace longhaul::broker::log
