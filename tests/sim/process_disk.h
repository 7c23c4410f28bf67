// A disk as one process sees it, for as long as that lives.
#pragma once

#include <memory>
#include <string>

#include "base/memory_file_system.h"
#include "tests/sim/trace.h"

namespace longhaul::sim {

/// Passes everything on to a disk that outlives it, and notes it in the trace. At the change that
/// was chosen the process dies: that one is not made (a write in part), nor any after it.
class ProcessDisk final : public base::FileSystem {
 public:
  /// `died` is called when it comes to that, in the middle of the operation; `full` whenever there
  /// is no room for a write.
  ProcessDisk(base::MemoryFileSystem& disk, Trace& trace, std::string who, base::Random& random,
              base::Task died, base::Task full);

  /// So many changes are made from now on; the next one is fatal.
  void die_after(uint64_t changes);
  /// Nothing reaches the disk any more.
  void cut_off();
  bool is_dead() const;

  base::Result<std::unique_ptr<base::File>> open(const std::string& path,
                                                 base::OpenMode mode) override;
  base::Result<void> create_directories(const std::string& path) override;
  base::Result<std::vector<base::DirectoryEntry>> list(const std::string& path) override;
  base::Result<void> remove(const std::string& path) override;
  base::Result<void> remove_all(const std::string& path) override;
  base::Result<void> rename(const std::string& from, const std::string& to) override;
  base::Result<void> sync_directory(const std::string& path) override;
  bool exists(const std::string& path) override;
  base::Result<base::Space> space(const std::string& path) override;
  base::Result<std::unique_ptr<base::FileLock>> lock(const std::string& path) override;

  struct Life;  // shared with the files that are open

 private:
  std::shared_ptr<Life> life_;
  base::MemoryFileSystem& disk_;
};

}  // namespace longhaul::sim
