// Where the last few batches of a segment stand.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace longhaul::broker::log {

/// Where a batch stands in a segment.
struct BatchPosition {
  int64_t base_offset = 0;
  int64_t last_offset = 0;
  uint64_t position = 0;  // bytes from the beginning of the file
  uint64_t size = 0;      // bytes
};

/// Followers, and consumers that keep up, read what was just appended: they find it here, without a
/// look into index and file. Not what lies there for long: a look finds a disk that fails.
/// Thread-safe.
class RecentBatches {
 public:
  static constexpr size_t kKept = 16;

  void add(const BatchPosition& batch);
  void clear();
  /// The same, if nothing was added since the previous call.
  void clear_idle();
  /// The first batch that ends at or above `offset`; absent unless it is known here to be that.
  std::optional<BatchPosition> find(int64_t offset) const;

 private:
  mutable std::mutex mutex_;
  std::vector<BatchPosition> ring_;  // empty until the first append
  size_t next_ = 0;                  // where the next one goes, over the oldest
  bool added_ = false;
};

}  // namespace longhaul::broker::log
