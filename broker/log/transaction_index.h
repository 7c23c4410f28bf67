// The transactions that were aborted within a segment (.txnindex), for read_committed consumers.
#pragma once

#include <cstdint>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "broker/log/log_directory.h"
#include "broker/log/published.h"

namespace longhaul::broker::log {

struct AbortedTransaction {
  int64_t producer_id = 0;
  int64_t first_offset = 0;
  int64_t last_offset = 0;         // of the marker
  int64_t last_stable_offset = 0;  // once the marker was written
  bool operator==(const AbortedTransaction&) const = default;
};

/// Absent as long as nothing was aborted. Opened for each use: aborts are rare.
class TransactionIndex {
 public:
  TransactionIndex(std::shared_ptr<LogDirectory> directory, int64_t base_offset)
      : directory_(std::move(directory)), base_offset_(base_offset) {}

  base::Result<void> append(const AbortedTransaction& aborted);
  /// All entries; empty if there is no file. kCorrupt.
  base::Result<std::vector<AbortedTransaction>> read() const;
  /// Drops transactions that ended at or above `offset`.
  base::Result<void> truncate(int64_t offset);
  base::Result<void> sync();
  /// Before it is built anew: removes the file, if there is one.
  base::Result<void> remove();
  /// What it says now, it says until this object goes, whatever becomes of the file.
  base::Result<void> pin();
  void unpin() { pinned_.store(nullptr); }
  std::string path() const;

 private:
  base::Result<std::vector<AbortedTransaction>> read_file() const;

  std::shared_ptr<LogDirectory> directory_;
  int64_t base_offset_;
  Published<const std::vector<AbortedTransaction>> pinned_;
};

}  // namespace longhaul::broker::log
