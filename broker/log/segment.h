// One segment of a log: a file of batches with its indexes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "broker/log/file_slice.h"
#include "broker/log/log_config.h"
#include "broker/log/log_directory.h"
#include "broker/log/offset_index.h"
#include "broker/log/time_index.h"
#include "broker/log/transaction_index.h"
#include "records/batch.h"

namespace longhaul::broker::log {

/// Where a batch stands in a segment.
struct BatchPosition {
  int64_t base_offset = 0;
  int64_t last_offset = 0;
  int64_t max_timestamp = records::kNoTimestamp;
  int32_t leader_epoch = -1;
  uint64_t position = 0;  // bytes from the beginning of the file
  uint64_t size = 0;      // bytes
};

/// One writer (its log, under the log's lock) and any number of readers. Files are opened when
/// they are needed and may be closed when they are idle; what a reader holds stays open.
class Segment {
 public:
  /// Says nothing about the files: `create` or `adopt` does.
  Segment(std::shared_ptr<LogDirectory> directory, int64_t base_offset);

  /// A new segment with an empty file; kAlreadyExists.
  base::Result<void> create(int64_t now_ms);
  /// A segment that is there: sizes of its files as listed (index sizes: absent if there is no
  /// file). Nothing is read yet.
  void adopt(uint64_t size, std::optional<uint64_t> offset_index,
             std::optional<uint64_t> time_index, int64_t now_ms);
  /// After an orderly stop: checks that the indexes fit, takes over the newest timestamp from
  /// the time index, and returns the offset after the last batch. kCorrupt if an index does
  /// not fit: then `recover` it is.
  base::Result<int64_t> open_trusted();

  struct Recovered {
    int64_t next_offset = 0;
    uint64_t cut_bytes = 0;  // which held no intact batch
    std::string why;         // if something was cut
  };
  /// Reads and checks every batch, cuts the file before the first that is not intact, and builds
  /// the indexes anew. `visit` sees each intact batch, whole, in order.
  using Visit = std::function<base::Result<void>(const records::BatchView&)>;
  base::Result<Recovered> recover(const LogConfig& config, const Visit& visit);
  /// Reads batches that end at or above `from`, without checking their CRC.
  base::Result<void> scan(int64_t from, const Visit& visit) const;

  int64_t base_offset() const { return base_offset_; }
  uint64_t size() const { return size_.load(std::memory_order_acquire); }
  /// The largest timestamp of a record here, or -1.
  int64_t max_timestamp() const { return max_timestamp_.load(std::memory_order_acquire); }
  /// For retention: max_timestamp(), or if records have none, when the segment was first seen.
  int64_t retention_timestamp() const;
  bool is_removed() const { return removed_.load(std::memory_order_acquire); }

  /// True if the batches should go to a new segment (size, time, index full, or offsets too far
  /// from the base).
  bool should_roll(const LogConfig& config, int64_t now_ms, size_t bytes, int64_t last_offset,
                   int64_t max_timestamp) const;
  /// Writes `bytes`, which hold `batches`, behind the end and indexes them; readers see them only
  /// after `publish`. After an error the file is as it was, or `kIo` with "torn" state says not.
  base::Result<void> append(base::ByteView bytes, std::span<const records::BatchView> batches,
                            const LogConfig& config);

  /// The first batch that ends at or above `offset`; absent if there is none below `end_position`.
  base::Result<std::optional<BatchPosition>> find(int64_t offset, uint64_t end_position) const;
  /// The first record with at least this timestamp and offset, as (offset, timestamp).
  struct Found {
    int64_t offset = -1;
    int64_t timestamp = records::kNoTimestamp;
    int32_t leader_epoch = -1;
  };
  base::Result<std::optional<Found>> find_timestamp(int64_t timestamp, int64_t from_offset) const;
  /// The first record that has max_timestamp().
  base::Result<std::optional<Found>> find_max_timestamp() const;

  base::Result<std::shared_ptr<base::File>> file() const;

  /// Cuts the file at `position`, where a batch begins, and the indexes at its offset.
  base::Result<void> truncate(uint64_t position, int64_t offset);
  /// No more appends: the indexes get their last entries and go to disk.
  base::Result<void> seal();
  base::Result<void> sync(bool with_indexes);
  void close_idle();
  void close();
  /// No file is opened any more under the old names: they are about to go.
  void mark_removed();
  /// The paths of all files that may be there.
  std::vector<std::string> paths() const;

  TransactionIndex& transactions() { return transactions_; }
  const TransactionIndex& transactions() const { return transactions_; }

 private:
  void note_batch(const records::BatchHeader& batch, uint64_t position, const LogConfig& config);
  base::Result<std::optional<BatchPosition>> find_from(uint64_t position, int64_t offset,
                                                       uint64_t end_position) const;
  base::Result<int64_t> read_last_offset() const;

  std::shared_ptr<LogDirectory> directory_;
  int64_t base_offset_;
  OffsetIndex offsets_;
  TimeIndex times_;
  TransactionIndex transactions_;

  std::atomic<uint64_t> size_{0};
  std::atomic<int64_t> max_timestamp_{records::kNoTimestamp};
  std::atomic<int64_t> max_timestamp_offset_{-1};
  std::atomic<int64_t> first_timestamp_{records::kNoTimestamp};
  std::atomic<bool> removed_{false};
  int64_t seen_ms_ = 0;
  uint64_t bytes_since_index_ = 0;

  mutable std::mutex file_mutex_;
  mutable std::shared_ptr<base::File> file_;
  mutable bool used_ = false;
};

}  // namespace longhaul::broker::log
