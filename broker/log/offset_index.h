// .index: from offsets to positions in the segment.
#pragma once

#include "broker/log/index_file.h"

namespace longhaul::broker::log {

struct OffsetPosition {
  int64_t offset = 0;
  uint64_t position = 0;
};

/// Entries of 8 bytes: the last offset of a batch less the segment's base, and where it begins.
class OffsetIndex {
 public:
  static constexpr size_t kEntrySize = 8;

  OffsetIndex(std::shared_ptr<LogDirectory> directory, int64_t base_offset)
      : file_(std::move(directory), base_offset, kOffsetIndexExtension, kEntrySize),
        base_offset_(base_offset) {}

  IndexFile& file() { return file_; }
  const IndexFile& file() const { return file_; }

  void append(int64_t offset, uint64_t position);
  /// The last entry at or below `offset`, or the segment's beginning.
  base::Result<OffsetPosition> find(int64_t offset) const;
  /// The last entry, or the segment's beginning.
  base::Result<OffsetPosition> last() const;
  /// Drops entries of batches at or above `offset`.
  base::Result<void> truncate(int64_t offset);

 private:
  IndexFile file_;
  int64_t base_offset_;
};

}  // namespace longhaul::broker::log
