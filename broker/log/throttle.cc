#include "broker/log/throttle.h"

#include <algorithm>

namespace longhaul::broker::log {

using std::chrono::microseconds;

Throttle::Throttle(const base::Clock& clock, double bytes_per_second, Pause pause)
    : clock_(clock), bytes_per_second_(bytes_per_second), pause_(std::move(pause)) {
  // 10 ms' worth, or 1 MiB if that is less: neither clock nor lock are felt.
  constexpr double kMost = 1 << 20;
  bool is_limited = bytes_per_second > 0;
  least_ = static_cast<uint64_t>(is_limited ? std::min(bytes_per_second / 100, kMost) : kMost);
}

microseconds Throttle::delay_after(uint64_t bytes) {
  if (bytes_per_second_ <= 0) return {};
  constexpr double kLongest = 3600e6;
  double takes = std::min(static_cast<double>(bytes) / bytes_per_second_ * 1e6, kLongest);
  std::lock_guard lock(mutex_);
  auto now = clock_.monotonic();
  free_at_ = std::max(free_at_, now) + microseconds(static_cast<int64_t>(takes));
  return free_at_ - now;
}

base::Result<void> Throttle::pace(uint64_t bytes) {
  if (!pause_ || unpaced_.fetch_add(bytes) + bytes < least_) return {};
  if (pause_(delay_after(unpaced_.exchange(0)))) return {};
  return base::fail(base::Errc::kCancelled, "called off");
}

}  // namespace longhaul::broker::log
