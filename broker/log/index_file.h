// A file of fixed-size, ascending entries: what offset and time index have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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

  /// Takes over what stands in the file, which has `size` bytes.
  void adopt(uint64_t size);
  size_t count() const;

  void append(const uint8_t* entry);
  /// It is time to flush().
  bool tail_is_full() const;
  /// `count` entries from the `first` into `out`; kCorrupt if they are not there.
  base::Result<void> read(size_t first, size_t count, uint8_t* out) const;
  /// The last entry that `matches`, given that if an entry does, all before it do; absent if none.
  template <class Predicate>
  base::Result<std::optional<size_t>> find_last(const Predicate& matches, uint8_t* out) const;

  /// Writes the tail out, creating the file if it is absent.
  base::Result<void> flush();
  /// Makes durable what was written since the last sync. Not beside flush() on another thread.
  base::Result<void> sync();
  /// Keeps the first `count` entries.
  base::Result<void> truncate(size_t count);
  /// Empties it, whatever the file holds.
  base::Result<void> reset();
  /// Closes the file if it was not used since the last call.
  void close_idle();
  void close();
  /// The file as it is now stays open until this object goes, whatever becomes of its name.
  base::Result<void> pin();
  void unpin();
  std::string path() const;

 private:
  static constexpr size_t kTailEntries = 128;
  /// Read at once: for a page of the cache one call costs what it costs for 8 bytes of it.
  static constexpr size_t kBlockEntries = 512;

  base::Result<std::shared_ptr<base::File>> open_locked(base::OpenMode mode) const;

  std::shared_ptr<LogDirectory> directory_;
  const char* extension_;
  int64_t base_offset_;
  size_t entry_size_;
  mutable std::mutex mutex_;  // guards all below; never held across I/O but opening
  mutable std::shared_ptr<base::File> file_;
  mutable bool used_ = false;
  bool pinned_ = false;
  bool exists_ = false;
  bool unsynced_ = false;
  size_t on_disk_ = 0;
  base::Bytes tail_;
};

template <class Predicate>
base::Result<std::optional<size_t>> IndexFile::find_last(const Predicate& matches,
                                                         uint8_t* out) const {
  size_t low = 0;  // entries below it match
  size_t high = count();
  uint8_t block[kBlockEntries * kMaxEntrySize];
  while (low < high) {
    // Probes single entries until what is left can be read as one block.
    size_t first = high - low > kBlockEntries ? low + (high - low) / 2 : low;
    size_t read_count = high - low > kBlockEntries ? 1 : high - low;
    LH_TRY(read(first, read_count, block));
    size_t matching = 0;
    while (matching < read_count && matches(block + matching * entry_size_)) ++matching;
    if (matching > 0) {
      std::memcpy(out, block + (matching - 1) * entry_size_, entry_size_);
      low = first + matching;
    }
    if (matching < read_count) high = first + matching;
  }
  if (low == 0) return std::nullopt;
  return low - 1;
}

}  // namespace longhaul::broker::log
