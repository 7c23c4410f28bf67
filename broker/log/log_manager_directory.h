// The inside of `LogManager`, shared by its source files.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "broker/log/checkpoint_file.h"
#include "broker/log/log_manager.h"

namespace longhaul::broker::log {

inline constexpr const char* kLockName = ".lock";
inline constexpr const char* kRecoveryPointsName = "recovery-point-offset-checkpoint";
inline constexpr const char* kLogStartsName = "log-start-offset-checkpoint";
inline constexpr const char* kHighWatermarksName = "replication-offset-checkpoint";
inline constexpr const char* kFirstDirtyName = "cleaner-offset-checkpoint";
inline constexpr const char* kDeleteSuffix = "-delete";
inline constexpr const char* kStraySuffix = "-stray";
inline constexpr const char* kFutureSuffix = "-future";

/// What a file system takes.
inline constexpr size_t kMaxNameBytes = 255;

/// "topic-partition.<32 hex>-future" and the like, the topic cut where it does not fit.
std::string suffixed_name(const TopicPartition& id, base::Random& random, std::string_view suffix);

/// With what to do about it, for who starts the broker.
base::Error explain_shortage(base::Error why);

/// One of log.dirs.
struct LogManager::Directory {
  std::string path;
  base::Uuid id;
  std::unique_ptr<base::FileLock> lock;
  std::atomic<bool> online{true};
  std::atomic<size_t> log_count{0};
  std::atomic<bool> loaded{false};  // before that, checkpoints on disk know more than we do
  std::string failure;              // guarded by the manager's mutex_

  // Read before loading, of no use after it.
  bool clean = false;
  int64_t closed_in = -1;  // the broker epoch of an orderly stop, if it is known
  OffsetCheckpoint recovery_points;
  bool recovery_points_lost = false;
  OffsetCheckpoint log_starts;
  OffsetCheckpoint high_watermarks;
  OffsetCheckpoint first_dirty;

  /// Partitions whose logs are gone, but perhaps not for good: a crash may bring the log itself
  /// back, and checkpoints on disk may have entries for it, which a new log of that name would be
  /// opened with. Guarded by the manager's mutex_.
  std::set<OffsetCheckpoint::key_type> stale;

  std::mutex checkpoint_mutex;  // gathering and writing a checkpoint is one step

  std::string file(const char* name) const { return path + "/" + name; }
};

}  // namespace longhaul::broker::log
