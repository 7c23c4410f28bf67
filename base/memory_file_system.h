// Files in memory for tests and the simulator: a disk that can crash, tear, refuse, fill and rot,
// the same way every time for the same seed.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/file_system.h"
#include "base/random.h"

namespace longhaul::base {

namespace memory_disk {
struct Disk;
}  // namespace memory_disk

/// What a disk is asked to do, for `FaultHook`.
enum class DiskOperation {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kRemove,
  kRename,
  kSyncDirectory
};

/// How an operation goes wrong. A failing write first writes the leading `written_bytes` of it.
/// After a failing sync nothing that it should have saved survives a crash, even if a later sync
/// succeeds, unless it was written anew: as Linux does it.
struct Fault {
  Error error;
  uint64_t written_bytes = 0;
};

/// Asked before each operation; a value makes it fail. Called without any lock of the disk.
using FaultHook = std::function<std::optional<Fault>(DiskOperation, std::string_view path)>;

/// What a crash does to changes that no sync made durable.
enum class CrashMode {
  kLoseUnsynced,  ///< all of them are gone
  kKeepAll,       ///< a crash of the process alone: they are there, and no more durable than before
  kTorn,          ///< of each file any sectors may have, of directory changes the first so many
};

/// Safe from any thread. Open files share the disk: they stay valid when this object is gone.
class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> create_directories(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> sync_directory(const std::string& path) override;
  bool exists(const std::string& path) override;
  Result<Space> space(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

  /// The machine stops and starts again: open files fail from now on, locks are free, and what
  /// was not synced fares as `mode` says. `random` decides for kTorn.
  void crash(CrashMode mode, Random& random);
  /// An empty hook injects nothing.
  void set_fault_hook(FaultHook hook);
  /// Writes that would make all files together larger fail with kNoSpace, after writing what fits.
  void set_capacity(uint64_t bytes);
  /// The medium rots: changes one bit of a file, now and for good. kNotFound, kInvalidArgument.
  Result<void> flip_bit(const std::string& path, uint64_t byte, unsigned bit);
  /// All files together.
  uint64_t used_bytes() const;

 private:
  std::shared_ptr<memory_disk::Disk> disk_;
};

}  // namespace longhaul::base
