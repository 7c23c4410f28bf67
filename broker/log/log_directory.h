// The directory of one log, and how its files are named.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_system.h"

namespace longhaul::broker::log {

inline constexpr const char* kLogExtension = ".log";
inline constexpr const char* kOffsetIndexExtension = ".index";
inline constexpr const char* kTimeIndexExtension = ".timeindex";
inline constexpr const char* kTransactionIndexExtension = ".txnindex";
/// A segment's files beside that of its batches; compaction writes them all anew.
inline constexpr const char* kIndexExtensions[] = {kOffsetIndexExtension, kTimeIndexExtension,
                                                   kTransactionIndexExtension};
inline constexpr const char* kSnapshotExtension = ".snapshot";
inline constexpr const char* kDeletedExtension = ".deleted";
inline constexpr const char* kCleanedExtension = ".cleaned";
inline constexpr const char* kSwapExtension = ".swap";
inline constexpr const char* kEpochCheckpointName = "leader-epoch-checkpoint";
inline constexpr const char* kPartitionMetadataName = "partition.metadata";
/// Lies there from a disk error until the log is opened again. A failed sync leaves pages that are
/// in memory and not on the disk, and that no later sync takes care of, not even another process's:
/// they have to be written again first.
inline constexpr const char* kSyncFailedName = "sync-failed";

/// Shared by a log and its segments; the path changes when the log is put away to be deleted.
/// Remembers whether entries were made or renamed since the directory was last synced.
class LogDirectory {
 public:
  /// `suffix` goes behind the names of segments' files.
  LogDirectory(base::FileSystem& files, std::string path, std::string suffix = "")
      : files_(files), suffix_(std::move(suffix)), path_(std::move(path)) {}

  base::FileSystem& files() const { return files_; }
  std::string path() const;
  void set_path(std::string path);
  std::string file(std::string_view name) const;
  /// The name of a segment's file: base offset with 20 digits, the extension, and the suffix.
  std::string segment_file(int64_t base_offset, std::string_view extension) const;

  void mark_changed();
  /// Syncs the directory, and the one above it the first time, if something changed.
  base::Result<void> sync();
  /// The log was there before: its entry in the directory above is taken for durable.
  void mark_old();

 private:
  base::FileSystem& files_;
  const std::string suffix_;
  std::mutex sync_mutex_;  // taken first: who comes second has what the first made durable
  mutable std::mutex mutex_;
  std::string path_;
  bool changed_ = false;
  bool is_new_ = true;
};

/// "00000000000000000042.log" → 42 if the extension is this one.
std::optional<int64_t> parse_segment_file(std::string_view name, std::string_view extension);

}  // namespace longhaul::broker::log
