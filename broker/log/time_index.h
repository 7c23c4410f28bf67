// .timeindex: from timestamps to offsets.
#pragma once

#include "broker/log/index_file.h"

namespace longhaul::broker::log {

struct TimestampOffset {
  int64_t timestamp = -1;
  int64_t offset = 0;
};

/// Entries of 12 bytes: the largest timestamp so far, and the last offset of the batch that has it
/// less the segment's base. Both ascend.
class TimeIndex {
 public:
  static constexpr size_t kEntrySize = 12;

  TimeIndex(std::shared_ptr<LogDirectory> directory, int64_t base_offset)
      : file_(std::move(directory), base_offset, kTimeIndexExtension, kEntrySize),
        base_offset_(base_offset) {}

  IndexFile& file() { return file_; }
  const IndexFile& file() const { return file_; }

  /// Ignored unless `timestamp` is larger than the last entry's.
  void append(int64_t timestamp, int64_t offset);
  /// The last entry at or below `timestamp`, or the segment's beginning.
  base::Result<TimestampOffset> find(int64_t timestamp) const;
  /// The last entry, or the segment's beginning.
  base::Result<TimestampOffset> last() const;
  /// Drops entries at or above `offset`.
  base::Result<void> truncate(int64_t offset);
  /// After the file was taken over: remembers its last entry.
  base::Result<void> adopt_last();

 private:
  IndexFile file_;
  int64_t base_offset_;
  int64_t last_timestamp_ = -1;
};

}  // namespace longhaul::broker::log
