// A file of fixed-size, ascending entries: what offset and time index have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/result.h"
#include "broker/log/log_directory.h"

namespace longhaul::broker::log {

/// Entries newest first collect in a short tail in memory and go to the file together: an index
/// has no checksum and is rebuilt after an unclean stop, so that nothing depends on its being
/// written early. Lookups may run beside one writer. The file is opened when it is needed.
class IndexFile {
 public:
  static constexpr size_t kMaxEntrySize = 12;

  /// `entry_size` bytes each; the file is named at first use.
  IndexFile(std::shared_ptr<LogDirectory> directory, int64_t base_offset, const char* extension,
            size_t entry_size);

  /// Takes over what stands in the file, of which `size` bytes were seen in the directory.
  void adopt(uint64_t size) { on_disk_ = size / entry_size_; }
  size_t count() const;

  void append(const uint8_t* entry);
  /// Entry `i` into `out`; kCorrupt if the file is too short.
  base::Result<void> read(size_t i, uint8_t* out) const;
  /// The last entry that `matches`, given that if an entry does, all before it do; absent if none.
  template <class Predicate>
  base::Result<std::optional<size_t>> find_last(const Predicate& matches, uint8_t* out) const;

  /// Writes the tail out, creating the file if it is absent.
  base::Result<void> flush();
  /// flush() and sync.
  base::Result<void> sync();
  /// Keeps the first `count` entries.
  base::Result<void> truncate(size_t count);
  /// Closes the file if it was not used since the last call.
  void close_idle();
  void close();
  std::string path() const;

 private:
  static constexpr size_t kTailEntries = 128;

  base::Result<std::shared_ptr<base::File>> open(base::OpenMode mode) const;

  std::shared_ptr<LogDirectory> directory_;
  const char* extension_;
  int64_t base_offset_;
  size_t entry_size_;
  mutable std::mutex mutex_;  // guards all below; never held across I/O but opening
  mutable std::shared_ptr<base::File> file_;
  mutable bool used_ = false;
  size_t on_disk_ = 0;
  base::Bytes tail_;
};

template <class Predicate>
base::Result<std::optional<size_t>> IndexFile::find_last(const Predicate& matches,
                                                         uint8_t* out) const {
  size_t low = 0;  // entries below it match
  size_t high = count();
  uint8_t entry[kMaxEntrySize];
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    LH_TRY(read(middle, entry));
    if (matches(entry)) {
      std::copy_n(entry, entry_size_, out);
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  return low - 1;
}

}  // namespace longhaul::broker::log
