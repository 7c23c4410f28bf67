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
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/log_config.h"
#include "broker/log/log_directory.h"
#include "broker/log/offset_index.h"
#include "broker/log/recent_batches.h"
#include "broker/log/time_index.h"
#include "broker/log/transaction_index.h"
#include "records/batch.h"

namespace longhaul::broker::log {

/// A record that was looked for.
struct FoundRecord {
  int64_t offset = -1;
  int64_t timestamp = records::kNoTimestamp;
  int32_t leader_epoch = -1;
};

/// What an append adds to a segment, as far as rolling depends on it.
struct Incoming {
  size_t bytes = 0;
  int64_t last_offset = 0;
  int64_t max_timestamp = records::kNoTimestamp;
};

/// One writer (its log, under the log's lock) and any number of readers. Files are opened when
/// they are needed and may be closed when they are idle; what a reader holds stays open.
class Segment {
 public:
  /// Sees an intact batch; `bytes` holds all of it if it is a control batch, else nothing.
  using Visit =
      std::function<base::Result<void>(const records::BatchHeader&, base::ByteView bytes)>;

  /// Does nothing to the files: `create` or `adopt` does.
  Segment(std::shared_ptr<LogDirectory> directory, int64_t base_offset, int64_t now_ms);

  /// A new segment with an empty file; kAlreadyExists.
  base::Result<void> create();
  /// A segment that is there, with these sizes of those of its files that are there. Nothing is
  /// read yet.
  void adopt(uint64_t size, std::optional<uint64_t> offset_index_size,
             std::optional<uint64_t> time_index_size);
  /// After an orderly stop: checks that the indexes fit the file, takes over the newest timestamp,
  /// and returns the offset after the last batch. kCorrupt if an index does not fit: `recover`.
  base::Result<int64_t> open_trusted(const LogConfig& config);

  struct Recovered {
    int64_t next_offset = 0;
    uint64_t cut_bytes = 0;  // in which there is no intact batch
    int32_t last_epoch = -1;
    std::string why;  // what is wrong with the first that is not intact
  };
  /// Reads and checks every batch, and builds the indexes anew, but for that of transactions.
  /// Before the first batch that is not intact (or is of an older leader epoch than what stands
  /// before it, `last_epoch` at first) the file is cut, unless that is below the offset
  /// `durable_to`: it has rotted then, is kept for a repair from elsewhere, and passed over.
  /// kUnsupported, and nothing is touched, if it begins in an older format.
  base::Result<Recovered> recover(const LogConfig& config, int32_t last_epoch, int64_t durable_to,
                                  const Visit& visit);
  /// Visits batches that end at or above `from` and begin below `to`, without checking CRCs.
  base::Result<void> scan(int64_t from, int64_t to, const Visit& visit) const;

  int64_t base_offset() const { return base_offset_; }
  /// Bytes that readers may see.
  uint64_t size() const { return size_.load(std::memory_order_acquire); }
  /// The largest timestamp of a record here, or -1.
  int64_t max_timestamp() const { return max_timestamp_.load(std::memory_order_relaxed); }
  /// For retention: max_timestamp(), or when the segment was first seen if records have none.
  int64_t retention_timestamp() const;
  /// The largest timestamp in the first batch with records, or -1. With the log's lock held.
  int64_t first_timestamp() const { return first_timestamp_; }
  /// The larger of the two indexes.
  size_t index_bytes() const;

  /// True if `incoming` should go to a new segment: size, time, index full, or an offset that is
  /// too far from the base.
  bool should_roll(const LogConfig& config, int64_t now_ms, const Incoming& incoming) const;
  /// Writes `bytes`, which hold `batches`, behind the end, and indexes them. After an error the
  /// file is as before, unless is_torn().
  base::Result<void> append(base::ByteView bytes, std::span<const records::BatchView> batches,
                            const LogConfig& config);
  /// What a failed append left behind could not be cut off.
  bool is_torn() const { return torn_; }

  /// The first batch that ends at or above `offset`; absent if there is none before
  /// `end_position`. kCorrupt.
  base::Result<std::optional<BatchPosition>> find(int64_t offset, uint64_t end_position) const;
  /// The first record with at least this timestamp and offset.
  base::Result<std::optional<FoundRecord>> find_timestamp(int64_t timestamp,
                                                          int64_t from_offset) const;
  /// The first record that has max_timestamp().
  base::Result<std::optional<FoundRecord>> find_max_timestamp() const;

  /// The open file; kNotFound once it is removed.
  base::Result<std::shared_ptr<base::File>> file() const;

  /// Cuts the file at `position`, where a batch begins or the file ends, and all entries of
  /// batches that end at or above `offset`.
  base::Result<void> truncate(uint64_t position, int64_t offset);
  /// No more appends: the time index gets its last entry, and the indexes go to their files.
  base::Result<void> seal();
  /// The batches go to stable storage.
  base::Result<void> sync();
  /// So do the indexes, after which they may be trusted. Only of a sealed segment.
  base::Result<void> sync_indexes();
  void close_idle();
  void close();
  /// No file is opened any more: they are about to go.
  void mark_removed();
  /// Its files are about to get other names, but who reads it goes on: they stay open until then.
  base::Result<void> pin();
  /// They do not, after all; also where pin() failed.
  void unpin();
  /// The paths of all files that may be there.
  std::vector<std::string> paths() const;

  TransactionIndex& transactions() { return transactions_; }
  const TransactionIndex& transactions() const { return transactions_; }

 private:
  base::Result<void> index_batch(const records::BatchHeader& batch, uint64_t position,
                                 const LogConfig& config);
  void note_timestamp(const records::BatchHeader& batch);
  base::Result<void> check_follows(const records::BatchHeader& batch, const Recovered& recovered,
                                   bool durable) const;
  base::Result<void> check_batch(BatchScanner& scanner, const records::BatchHeader& batch,
                                 const Recovered& recovered, int64_t durable_to) const;
  base::Result<void> cut(uint64_t position);
  int64_t roll_after_ms(const LogConfig& config) const;

  std::shared_ptr<LogDirectory> directory_;
  int64_t base_offset_;
  int64_t seen_ms_;
  OffsetIndex offsets_;
  TimeIndex times_;
  TransactionIndex transactions_;
  RecentBatches recent_;  // of appends

  std::atomic<uint64_t> size_{0};
  std::atomic<int64_t> max_timestamp_{records::kNoTimestamp};
  int64_t max_timestamp_offset_ = -1;                // of the batch that has it: its last offset
  int64_t first_timestamp_ = records::kNoTimestamp;  // of the first batch with records
  uint64_t bytes_since_index_ = 0;
  bool torn_ = false;

  mutable std::mutex file_mutex_;
  mutable std::shared_ptr<base::File> file_;
  mutable bool used_ = false;
  bool removed_ = false;
  bool pinned_ = false;
};

}  // namespace longhaul::broker::log
