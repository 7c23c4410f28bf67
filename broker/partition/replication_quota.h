// How fast replicas that are throttled may be copied (KIP-73).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>

#include "base/clock.h"

namespace longhaul::broker::partition {

/// A bound on bytes per second, held on average over a window: what was not used within it may be
/// used later. What was copied is counted afterwards, so that it may exceed the bound once, and
/// then has to wait. Thread-safe.
class ReplicationQuota {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  ReplicationQuota(const base::Clock& clock, std::chrono::seconds window);

  /// False: there is nothing to count or to ask. Costs next to nothing.
  bool is_limited() const { return rate_.load(std::memory_order_relaxed) != kNoLimit; }
  /// Bytes per second, from now on; 0 lets nothing through.
  void set_rate(int64_t rate);
  void count(uint64_t bytes);
  /// When the next bytes may go: not after now if they may go already.
  base::Clock::Monotonic free_at() const;
  bool is_exceeded() const { return free_at() > clock_.monotonic(); }

 private:
  const base::Clock& clock_;
  const base::Clock::Monotonic window_;
  std::atomic<int64_t> rate_{kNoLimit};  // changed under the mutex
  mutable std::mutex mutex_;             // of all below
  base::Clock::Monotonic free_at_{};     // when all that was counted is within the rate
};

/// Of one broker: as a leader, as a follower, and between its own log directories (KIP-113).
struct ReplicationQuotas {
  ReplicationQuotas(const base::Clock& clock, std::chrono::seconds window,
                    std::chrono::seconds move_window)
      : leader(clock, window), follower(clock, window), moves(clock, move_window) {}
  ReplicationQuota leader;    // leader.replication.throttled.rate
  ReplicationQuota follower;  // follower.replication.throttled.rate
  ReplicationQuota moves;     // replica.alter.log.dirs.io.max.bytes.per.second
};

}  // namespace longhaul::broker::partition
