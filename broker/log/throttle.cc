#include "broker/log/throttle.h"

#include <algorithm>

namespace longhaul::broker::log {

using std::chrono::microseconds;

microseconds Throttle::delay_after(uint64_t bytes) {
  constexpr double kLongest = 3600e6;
  double takes = std::min(static_cast<double>(bytes) / bytes_per_second_ * 1e6, kLongest);
  std::lock_guard lock(mutex_);
  auto now = clock_.monotonic();
  free_at_ = std::max(free_at_, now) + microseconds(static_cast<int64_t>(takes));
  return free_at_ - now;
}

base::Result<void> Throttle::pace(uint64_t bytes) {
  if (!pause_ || pause_(delay_after(bytes))) return {};
  return base::fail(base::Errc::kCancelled, "called off");
}

}  // namespace longhaul::broker::log
