// What a leader checks before it appends records, as strict as Apache Kafka 4 (ProduceRequest,
// UnifiedLog and LogValidator there), and what it changes in them: maximal timestamp, timestamp
// type, codec. docs/formats/records.md lists the rules.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "records/batch.h"
#include "records/compression.h"

namespace longhaul::records {

/// Who hands the records in. All but clients are trusted with offsets and control batches.
enum class Origin { kClient, kCoordinator, kRaftLeader };

/// Why records were refused; the names are those of Kafka's error codes, which callers map to.
enum class Reason {
  kInvalidRecord,     ///< INVALID_RECORD
  kInvalidTimestamp,  ///< INVALID_TIMESTAMP
  kCorruptMessage,    ///< CORRUPT_MESSAGE: the CRC or a length is wrong, sending again may help
  kMessageTooLarge,   ///< MESSAGE_TOO_LARGE
  kUnsupportedCompressionType,  ///< UNSUPPORTED_COMPRESSION_TYPE
};

/// ProduceResponse's record_errors: `index` counts within the batch from 0.
struct RecordError {
  int32_t index = 0;
  std::string message;
};

struct Refusal {
  Reason reason;
  std::string message;
  /// At most kMaxRecordErrors; empty if the batch as a whole is at fault.
  std::vector<RecordError> record_errors;
};
inline constexpr size_t kMaxRecordErrors = 1000;

struct ValidationOptions {
  Origin origin = Origin::kClient;
  /// message.timestamp.type, message.timestamp.before.max.ms and message.timestamp.after.max.ms
  TimestampType timestamp_type = TimestampType::kCreateTime;
  int64_t timestamp_before_max_ms = std::numeric_limits<int64_t>::max();
  int64_t timestamp_after_max_ms = 3'600'000;
  /// cleanup.policy contains "compact": every record needs a key.
  bool compacted = false;
  /// compression.type: absent for "producer", kNone for "uncompressed".
  std::optional<Codec> target_codec;
  CompressionLevels levels;
  /// max.message.bytes, of the whole batch, before and after a change of codec.
  size_t max_batch_bytes = 1'048'588;
  /// Produce below version 7 knows no zstd.
  bool zstd_allowed = true;
  /// More plain bytes than this are refused as kMessageTooLarge. Kafka has no such bound; memory
  /// does not depend on it, only time does.
  size_t max_plain_bytes = size_t{1} << 30;
};

/// A batch that may be appended once its base offset and partition leader epoch are patched in.
struct ValidatedBatch {
  BatchHeader header;  // as it is now, after all changes
  /// The batch if it had to be made anew; absent if it stands, changed or not, where it was, in
  /// the first `header.size_bytes()` of the buffer.
  std::optional<Bytes> rebuilt;
};

/// Checks the records of one partition in a Produce request: exactly one batch of version 2 (and
/// perhaps the beginning of another, which is to be ignored, as Kafka does). May change the
/// maximal timestamp and the timestamp type in `records`. `now_ms` is the wall clock's. Memory
/// beyond `rebuilt`, which is bounded by max_batch_bytes, does not grow with the records.
tl::expected<ValidatedBatch, Refusal> validate(std::span<uint8_t> records,
                                               const ValidationOptions& options, int64_t now_ms,
                                               Codecs& codecs);

/// True if `validate` would decompress or compress, which is work for a thread that may burn;
/// false if it only reads once over the records. Looks at the header alone.
bool is_heavy(ByteView records, const ValidationOptions& options);

}  // namespace longhaul::records
