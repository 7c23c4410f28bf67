// Looks for rot in what nobody reads.
#pragma once

#include <atomic>
#include <cstdint>
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
/// is said in the log and counted, and nothing else happens to it. `run` on one thread at a time.
class LogScrubber {
 public:
  struct Params {
    LogManager& logs;
    const base::Clock& clock;
    base::Logger logger;
    double bytes_per_second = 0;  // longhaul.scrub.bytes.per.second, positive
    Pause pause;
  };
  explicit LogScrubber(Params params);

  /// A pass over all logs, unless the last one began less than a day ago. Returns early when it is
  /// called off.
  void run();
  ScrubStats stats() const;

 private:
  struct Finding {
    uint64_t position = 0;
    std::string what;
  };

  base::Result<void> scrub(Log& log);
  base::Result<void> scrub(Log& log, const Segment& segment);
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
