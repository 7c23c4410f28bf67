// The disk as an interface. `PosixFileSystem` is the real one, `MemoryFileSystem` its twin for
// tests, which can crash, tear and refuse. Paths are absolute or relative to the process, UTF-8.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace longhaul::base {

/// An open file. Offsets and sizes in bytes. Positioned reads and writes may run from several
/// threads at once; closing is the destructor's work.
class File {
 public:
  virtual ~File() = default;

  /// Fills `out` from `offset`; the count is smaller only where the file ends. EINTR is handled.
  virtual Result<size_t> read_at(uint64_t offset, std::span<uint8_t> out) const = 0;
  /// Writes all parts, one behind the other, beginning at `offset` (pwritev). After an error any
  /// prefix may have been written.
  virtual Result<void> write_at(uint64_t offset, std::span<const ByteView> parts) = 0;
  Result<void> write_at(uint64_t offset, ByteView part) {
    return write_at(offset, std::span<const ByteView>(&part, 1));
  }
  /// Data and size are on stable storage when this returns (fdatasync).
  virtual Result<void> sync() = 0;
  virtual Result<void> truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() const = 0;
  /// True if reading the range would not wait for a disk, as far as can be told cheaply.
  virtual bool is_resident(uint64_t offset, uint64_t size) const = 0;
  /// True if the whole range could be read without waiting for a disk; `out` holds it then.
  virtual bool read_resident(uint64_t offset, std::span<uint8_t> out) const {
    if (!is_resident(offset, out.size())) return false;
    auto got = read_at(offset, out);
    return got && *got == out.size();
  }
  /// The descriptor for sendfile(2), or -1 where there is none (in memory).
  virtual int descriptor() const = 0;
};

enum class OpenMode {
  kRead,       ///< must exist
  kReadWrite,  ///< must exist
  kCreate,     ///< read and write, created if absent
  kCreateNew,  ///< read and write, must not exist
};

struct DirectoryEntry {
  std::string name;  // without the directory
  bool is_directory = false;
  uint64_t size = 0;  // of a regular file
};

struct Space {
  uint64_t total_bytes = 0;
  uint64_t usable_bytes = 0;  // for a process without privileges
};

/// Held while its owner lives; released by the destructor (and by the kernel, should we die).
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Like mkdir -p: existing directories are fine.
  virtual Result<void> create_directories(const std::string& path) = 0;
  /// Entries sorted by name, without "." and "..".
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;
  /// Files, links and empty directories; kNotFound if there is nothing.
  virtual Result<void> remove(const std::string& path) = 0;
  /// A directory with all below it; nothing there is fine.
  virtual Result<void> remove_all(const std::string& path) = 0;
  /// Atomic; replaces a file at `to`. Durable only after `sync_directory` of the parent.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Makes creations, renames and removals of entries in this directory durable.
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual Result<Space> space(const std::string& path) = 0;
  /// An exclusive lock on a file, created if absent; kConflict if another holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

/// Whole small files. `write_file_atomic` writes `path`.tmp, syncs it, renames it over `path` and
/// syncs the directory: after a crash the old or the new content stands there, never a mixture.
Result<Bytes> read_file(FileSystem& files, const std::string& path, uint64_t limit_bytes);
Result<void> write_file_atomic(FileSystem& files, const std::string& path, ByteView content);

}  // namespace longhaul::base
