#include "broker/partition/replication_quota.h"

#include <algorithm>

namespace longhaul::broker::partition {

using std::chrono::microseconds;

ReplicationQuota::ReplicationQuota(const base::Clock& clock, std::chrono::seconds window)
    : clock_(clock), window_(window) {}

void ReplicationQuota::set_rate(int64_t rate) {
  std::lock_guard lock(mutex_);
  if (rate == rate_) return;
  rate_ = rate;
  free_at_ = {};  // what was owed under another rate is let go
}

void ReplicationQuota::count(uint64_t bytes) {
  constexpr double kLongest = 3600e6;
  std::lock_guard lock(mutex_);
  if (rate_ == kNoLimit || rate_ == 0) return;
  double takes = static_cast<double>(bytes) / static_cast<double>(rate_) * 1e6;
  auto since = std::max(free_at_, clock_.monotonic() - window_);
  free_at_ = since + microseconds(static_cast<int64_t>(std::min(takes, kLongest)));
}

base::Clock::Monotonic ReplicationQuota::free_at() const {
  std::lock_guard lock(mutex_);
  return rate_ == 0 ? clock_.monotonic() + window_ : free_at_;
}

}  // namespace longhaul::broker::partition
