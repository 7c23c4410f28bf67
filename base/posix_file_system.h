// The machine's own files.
#pragma once

#include "base/file_system.h"

namespace longhaul::base {

/// Has no state: one object may serve the whole process, from any thread. Descriptors are opened
/// with O_CLOEXEC. Locks are fcntl(2)'s of open file descriptions, which also keep out the locks
/// that Java programs take.
class PosixFileSystem final : public FileSystem {
 public:
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
};

}  // namespace longhaul::base
