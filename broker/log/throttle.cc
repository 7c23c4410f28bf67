#include "broker/log/throttle.h"

#include <algorithm>

namespace longhaul::broker::log {

using std::chrono::microseconds;

namespace {

/// Between two looks at whether the rate is another.
constexpr microseconds kOneWait = std::chrono::seconds(1);

}  // namespace

Throttle::Throttle(const base::Clock& clock, double bytes_per_second, Pause pause)
    : clock_(clock), pause_(std::move(pause)) {
  set_rate(bytes_per_second);
}

void Throttle::set_rate(double bytes_per_second) {
  // 10 ms' worth, or 1 MiB if that is less: neither clock nor lock are felt.
  constexpr double kMost = 1 << 20;
  bool is_limited = bytes_per_second > 0;
  least_ = static_cast<uint64_t>(is_limited ? std::min(bytes_per_second / 100, kMost) : kMost);
  std::lock_guard lock(mutex_);
  if (bytes_per_second == bytes_per_second_) return;
  bytes_per_second_ = is_limited ? bytes_per_second : 0;
  free_at_ = {};
  ++changes_;
}

microseconds Throttle::delay_after(uint64_t bytes) {
  constexpr double kLongest = 3600e6;
  std::lock_guard lock(mutex_);
  if (bytes_per_second_ <= 0) return {};
  double takes = std::min(static_cast<double>(bytes) / bytes_per_second_ * 1e6, kLongest);
  auto now = clock_.monotonic();
  free_at_ = std::max(free_at_, now) + microseconds(static_cast<int64_t>(takes));
  return free_at_ - now;
}

base::Result<void> Throttle::pace(uint64_t bytes) {
  if (!pause_ || unpaced_.fetch_add(bytes) + bytes < least_) return {};
  uint64_t changes = changes_;
  microseconds left = delay_after(unpaced_.exchange(0));
  do {
    microseconds step = std::min(left, kOneWait);
    if (!pause_(step)) return base::fail(base::Errc::kCancelled, "called off");
    left -= step;
  } while (left.count() > 0 && changes == changes_);
  return {};
}

}  // namespace longhaul::broker::log
