// Which leader epoch began at which offset (KIP-101), and its checkpoint file.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

namespace longhaul::broker::log {

struct EpochEntry {
  int32_t epoch = 0;
  int64_t start_offset = 0;
  bool operator==(const EpochEntry&) const = default;
};

/// The answer to OffsetForLeaderEpoch: the largest epoch not above the one asked for, and the
/// offset where the next one begins. Both -1: not known.
struct EpochEnd {
  int32_t epoch = -1;
  int64_t end_offset = -1;
  bool operator==(const EpochEnd&) const = default;
};

/// Thread-safe. Epochs and start offsets both ascend strictly... offsets may be equal only while
/// an epoch has written nothing; such an epoch is replaced by the next.
class LeaderEpochCache {
 public:
  /// Notes that `epoch` begins at `start_offset`, unless it is known already. Entries that
  /// contradict it (larger epoch, or a start at or above) are dropped.
  void assign(int32_t epoch, int64_t start_offset);
  /// A batch that was read back has `epoch`: as assign(), unless that is known of its offset. What
  /// is known beside it stays: it may be of batches that compaction took.
  void confirm(int32_t epoch, int64_t offset);
  /// Forgets epochs that begin at or above `end_offset`.
  void truncate_from_end(int64_t end_offset);
  /// Forgets epochs that end at or below `start_offset`. The one that reaches over it began before:
  /// a replica that has another epoch there differs, though that is below our log by now.
  void truncate_from_start(int64_t start_offset);
  void clear();

  std::optional<int32_t> latest() const;
  std::optional<int32_t> epoch_of(int64_t offset) const;
  EpochEnd end_offset(int32_t epoch, int64_t log_end_offset) const;
  std::vector<EpochEntry> entries() const;

  /// Reads a checkpoint; a file that is not there is an empty one. kCorrupt.
  base::Result<void> load(base::FileSystem& files, const std::string& path);
  /// Writes the checkpoint durably if something changed since it was last written.
  base::Result<void> save(base::FileSystem& files, const std::string& path);

 private:
  void assign_locked(int32_t epoch, int64_t start_offset);

  mutable std::mutex mutex_;
  std::vector<EpochEntry> entries_;
  bool dirty_ = false;
};

}  // namespace longhaul::broker::log
