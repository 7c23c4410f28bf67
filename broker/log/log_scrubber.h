// Looks for rot in what nobody reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "broker/log/log_manager.h"
#include "broker/log/throttle.h"

namespace longhaul::broker::log {

/// What the scrubber has found since the start.
struct ScrubStats {
  uint64_t bytes_read = 0;
  uint64_t damaged_batches = 0;  // in the last pass, or in this one if they are more
  uint64_t passes = 0;           // that were completed
};

/// Reads every batch that is durable, but those in active segments, and checks its CRC; a bad one
/// is said in the log, counted, and told to whoever may mend it. `run` on one thread at a time.
class LogScrubber {
 public:
  struct Params {
    LogManager& logs;
    const base::Clock& clock;
    base::Logger logger;
    double bytes_per_second = 0;  // longhaul.scrub.bytes.per.second, positive
    Pause pause;
    /// On the thread of `run`; must not block.
    std::function<void(std::shared_ptr<Log>, Damage)> on_damage;
  };
  explicit LogScrubber(Params params);

  /// A pass over all logs, unless the last one began less than a day ago. Returns early when it is
  /// called off.
  void run();
  ScrubStats stats() const;

 private:
  struct Finding {
    uint64_t position = 0;
    int64_t offset = 0;  // behind the last good batch
    std::string what;
  };

  base::Result<void> scrub(const std::shared_ptr<Log>& log);
  base::Result<void> scrub(const std::shared_ptr<Log>& log,
                           const std::shared_ptr<Segment>& segment);
  base::Result<void> check(const Segment& segment, std::vector<Finding>& findings);

  Params params_;
  Throttle throttle_;
  std::optional<base::Clock::Monotonic> began_;  // the last pass
  uint64_t found_ = 0;                           // in this one
  std::atomic<uint64_t> bytes_read_{0};
  std::atomic<uint64_t> damaged_{0};
  std::atomic<uint64_t> passes_{0};
};

}  // namespace longhaul::broker::log
