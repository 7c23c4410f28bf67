// Batches that producers sent before there was a partition for them.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/uuid.h"
#include "records/batch.h"

namespace longhaul::broker::partition {

/// A topic is new, or its partition just moved here: clients may know before this broker does, and
/// what they send until then is refused. They send it again, behind what they had sent after it,
/// which may find the partition there; it must not be taken for its producer's first. Remembers
/// which batches those were, for a while and not without bound. Thread-safe.
class EarlyBatches {
 public:
  static constexpr size_t kMost = 1000;
  static constexpr std::chrono::seconds kKept{60};

  explicit EarlyBatches(const base::Clock& clock) : clock_(clock) {}

  /// A batch for a partition of that topic, which was named by name or by ID.
  void note(const std::string& topic, const base::Uuid& id, int32_t partition,
            const records::BatchHeader& batch);
  /// Those for a partition that is there now; they are forgotten.
  std::vector<records::BatchHeader> take(const std::string& topic, const base::Uuid& id,
                                         int32_t partition);

 private:
  struct Early {
    std::string topic;
    base::Uuid id;
    int32_t partition;
    records::BatchHeader batch;
    base::Clock::Monotonic noted;
  };
  void forget_old();

  const base::Clock& clock_;
  std::mutex mutex_;
  std::vector<Early> batches_;  // the oldest first
};

}  // namespace longhaul::broker::partition
