// Which logs are compacted, and when.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "broker/log/log_compaction.h"
#include "broker/log/log_manager.h"
#include "broker/log/throttle.h"

namespace longhaul::broker::log {

/// What the cleaner has done since the start.
struct CleanerStats {
  uint64_t compactions = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
};

/// Thread-safe, without threads of its own: as many logs are compacted at a time as threads call
/// `clean_next`.
class LogCleaner {
 public:
  struct Params {
    LogManager& logs;
    const base::Clock& clock;
    base::Random& random;  // from any thread
    base::Logger logger;
    CompactionSettings settings;
    /// log.cleaner.io.max.bytes.per.second, reads and writes together.
    double bytes_per_second = 0;
    Pause pause;
    /// What is damaged is left alone, and told to whoever may mend it; then it is compacted. On the
    /// thread of `clean_next`; must not block. May be empty.
    std::function<void(std::shared_ptr<Log>, Damage)> on_damage = {};
  };
  explicit LogCleaner(Params params);

  using Skipped = std::set<TopicPartition>;
  /// Compacts the log that needs it most but for those that were skipped in this round: to these
  /// it goes if it could not be compacted. False if none needs it, or it was called off. A log
  /// whose content is at fault is set aside until it is repaired, or the next start, with a line
  /// that says why. A log that is on its way to another directory waits: what was copied already
  /// would miss the tombstones that go from what comes later.
  bool clean_next(Skipped& skipped);
  CleanerStats stats() const;
  /// log.cleaner.io.max.bytes.per.second from now on.
  void set_rate(double bytes_per_second) { throttle_.set_rate(bytes_per_second); }

 private:
  struct Candidate {
    std::shared_ptr<Log> log;
    Cleanable what;
  };

  /// It is among busy_ from then on.
  std::optional<Candidate> choose(const Skipped& skipped);
  base::Result<void> clean(const std::shared_ptr<Log>& log, Cleanable what);
  base::Result<void> compact(Log& log, Cleanable what, std::optional<Damage>& damage);
  void note_failure(Log& log, const base::Error& why);

  Params params_;
  Throttle throttle_;
  std::atomic<uint64_t> compactions_{0};
  std::atomic<uint64_t> bytes_read_{0};
  std::atomic<uint64_t> bytes_written_{0};

  std::mutex mutex_;
  std::set<TopicPartition> busy_;  // not logs: one and the next of its name share a directory
};

}  // namespace longhaul::broker::log
