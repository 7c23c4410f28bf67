// Makes record batches of version 2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "records/batch.h"
#include "records/compression.h"
#include "records/record.h"

namespace longhaul::records {

/// What stands in a batch's header beside what follows from the records.
struct BatchOptions {
  int64_t base_offset = 0;
  int32_t partition_leader_epoch = kNoPartitionLeaderEpoch;
  Codec codec = Codec::kNone;
  CompressionLevels levels;
  /// With LogAppendTime every record counts as having this time, whatever it was appended with.
  std::optional<int64_t> log_append_time;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
  bool transactional = false;
  /// A control batch: transaction markers, leader changes, snapshot headers and footers.
  bool control = false;
};

/// Collects records and turns them into one batch.
///
///     BatchBuilder builder({.base_offset = 42});
///     builder.append(clock.wall_ms(), key, value);
///     Bytes batch = builder.build(codecs);
class BatchBuilder {
 public:
  explicit BatchBuilder(const BatchOptions& options) : options_(options) {}

  /// Appends at the next offset. Copies what it is given. Timestamps are milliseconds since the
  /// epoch; null key or value: std::nullopt.
  void append(int64_t timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
              std::span<const RecordHeader> headers = {});

  /// Records so far.
  int32_t count() const { return count_; }
  /// Bytes of the batch so far were it not compressed, header included.
  size_t size_bytes() const { return kHeaderSize + records_.size(); }
  /// What a record would add to that.
  size_t record_size(int64_t timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
                     std::span<const RecordHeader> headers = {}) const;

  /// The finished batch, and back to an empty builder whose base offset is the next offset. There
  /// must be at least one record.
  Bytes build(Codecs& codecs);

 private:
  size_t body_size(int64_t timestamp, std::optional<ByteView> key, std::optional<ByteView> value,
                   std::span<const RecordHeader> headers) const;

  BatchOptions options_;
  base::Writer records_;
  int32_t count_ = 0;
  int64_t base_timestamp_ = kNoTimestamp;
  int64_t max_timestamp_ = kNoTimestamp;
};

/// Writes a batch anew with some of its records, as compaction does. Offsets, sequence numbers and
/// codec stay what they were: the offset deltas of what is kept have gaps.
class BatchRewriter {
 public:
  /// `delete_horizon_ms` takes the place of the base timestamp (KIP-534); absent: as in `original`.
  BatchRewriter(const BatchHeader& original, std::optional<int64_t> delete_horizon_ms);

  /// Keeps one of the original's records; in their order.
  void keep(const Record& record);
  /// The batch; at least one record was kept. Of no use afterwards.
  Bytes build(Codecs& codecs);

 private:
  BatchHeader header_;
  int64_t shift_ = 0;  // from the original's base timestamp to the new one
  base::Writer records_;
};

/// What is left of a batch all of whose records are gone, where its offsets or its producer's
/// sequence number have to be remembered: a header.
Bytes make_empty_batch(const BatchHeader& original);

/// Writes `header` with the magic into the first 61 bytes of `batch`, which is a whole batch, and
/// with its own length and CRC whatever `header` says of them.
void store_header(std::span<uint8_t> batch, const BatchHeader& header);

}  // namespace longhaul::records
