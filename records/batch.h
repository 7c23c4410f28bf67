// Kafka's record batch, version 2 ("magic 2"): the header, and everything that can be done with a
// batch without looking at its records. docs/formats/records.md has the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace longhaul::records {

using base::Bytes;
using base::ByteView;

// Where the header's fields stand in a batch.
inline constexpr size_t kBaseOffsetAt = 0;
inline constexpr size_t kLengthAt = 8;  // of what follows this field
inline constexpr size_t kPartitionLeaderEpochAt = 12;
inline constexpr size_t kMagicAt = 16;
inline constexpr size_t kCrcAt = 17;  // of everything from the attributes to the end
inline constexpr size_t kAttributesAt = 21;
inline constexpr size_t kLastOffsetDeltaAt = 23;
inline constexpr size_t kBaseTimestampAt = 27;
inline constexpr size_t kMaxTimestampAt = 35;
inline constexpr size_t kProducerIdAt = 43;
inline constexpr size_t kProducerEpochAt = 51;
inline constexpr size_t kBaseSequenceAt = 53;
inline constexpr size_t kRecordCountAt = 57;
inline constexpr size_t kHeaderSize = 61;
/// Base offset and length: what stands before the bytes that `length` counts, in every magic.
inline constexpr size_t kLogOverhead = 12;
/// The least that tells the magic of a batch.
inline constexpr size_t kSizeUpToMagic = 17;

inline constexpr int8_t kMagic = 2;
inline constexpr int64_t kNoTimestamp = -1;
inline constexpr int64_t kNoProducerId = -1;
inline constexpr int16_t kNoProducerEpoch = -1;
inline constexpr int32_t kNoSequence = -1;
inline constexpr int32_t kNoPartitionLeaderEpoch = -1;

// Bits of the attributes.
inline constexpr int16_t kCodecMask = 0x07;
inline constexpr int16_t kLogAppendTimeBit = 0x08;
inline constexpr int16_t kTransactionalBit = 0x10;
inline constexpr int16_t kControlBit = 0x20;
inline constexpr int16_t kDeleteHorizonBit = 0x40;

/// The numbers are those of the attributes.
enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

enum class TimestampType : uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

/// The sequence number `increment` records after `sequence`: it wraps from 2^31-1 to 0.
constexpr int32_t add_sequence(int32_t sequence, int32_t increment) {
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  return sequence > kMax - increment ? increment - (kMax - sequence) - 1 : sequence + increment;
}

/// The header of a batch in host order.
struct BatchHeader {
  int64_t base_offset = 0;
  int32_t length = 0;
  int32_t partition_leader_epoch = kNoPartitionLeaderEpoch;
  int8_t magic = kMagic;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp = kNoTimestamp;  // or the delete horizon, see has_delete_horizon()
  int64_t max_timestamp = kNoTimestamp;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = kNoProducerEpoch;
  int32_t base_sequence = kNoSequence;
  int32_t record_count = 0;

  /// Bytes of the whole batch, header included.
  size_t size_bytes() const { return kLogOverhead + static_cast<size_t>(length); }
  int64_t last_offset() const { return base_offset + last_offset_delta; }
  int64_t next_offset() const { return last_offset() + 1; }

  /// Absent for the three codes that no codec has.
  std::optional<Codec> codec() const {
    int code = attributes & kCodecMask;
    if (code > static_cast<int>(Codec::kZstd)) return std::nullopt;
    return static_cast<Codec>(code);
  }
  TimestampType timestamp_type() const {
    return (attributes & kLogAppendTimeBit) != 0 ? TimestampType::kLogAppendTime
                                                 : TimestampType::kCreateTime;
  }
  bool is_compressed() const { return (attributes & kCodecMask) != 0; }
  bool is_transactional() const { return (attributes & kTransactionalBit) != 0; }
  bool is_control() const { return (attributes & kControlBit) != 0; }
  /// Compaction replaced the base timestamp by the time from which tombstones may go (KIP-534).
  bool has_delete_horizon() const { return (attributes & kDeleteHorizonBit) != 0; }
  bool has_producer_id() const { return producer_id > kNoProducerId; }
  /// Only meaningful with a producer ID.
  int32_t last_sequence() const {
    return base_sequence == kNoSequence ? kNoSequence
                                        : add_sequence(base_sequence, last_offset_delta);
  }
};

/// Reads a header from the beginning of `bytes`, of which only the first 61 are looked at.
/// Guarantees magic 2, length >= 49, last offset delta >= 0, record count >= 0, last offset within
/// 63 bits; says nothing about whether the whole batch is there or its CRC right. Fails with
/// kCorrupt, or with kUnsupported for the older formats, magic 0 and 1.
base::Result<BatchHeader> parse_header(ByteView bytes);

/// The CRC that belongs into the header of this batch. `batch` is one whole batch, >= 61 bytes.
uint32_t compute_crc(ByteView batch);
/// True if the CRC in the header is that of the bytes.
bool crc_matches(ByteView batch);

/// Patches in place, outside the CRC. `batch` holds at least the header.
void set_base_offset(std::span<uint8_t> batch, int64_t base_offset);
void set_partition_leader_epoch(std::span<uint8_t> batch, int32_t epoch);

/// Patches in place what the CRC covers: maximal timestamp and timestamp type. The CRC is carried
/// along without reading the records, so that a right one stays right and a wrong one wrong.
/// `batch` is one whole batch.
void set_max_timestamp(std::span<uint8_t> batch, TimestampType type, int64_t max_timestamp);

/// One batch in a buffer: a view of all its bytes and its parsed header.
struct BatchView {
  BatchHeader header;
  ByteView bytes;
  /// The records: compressed if the header says so.
  ByteView payload() const { return bytes.subspan(kHeaderSize); }
};

/// Walks the batches that stand one after another in a buffer it does not own.
///
///     BatchWalker walker(buffer);
///     while (const BatchView* batch = walker.next()) use(*batch);
///     if (walker.error()) ...         // malformed; position() is where
///     else walker.position()          // < buffer.size(): the last batch is cut off
class BatchWalker {
 public:
  explicit BatchWalker(ByteView buffer) : buffer_(buffer) {}

  /// The next whole batch, or null: at the end, before a batch of which only the beginning is
  /// there, or at a malformed one (then and later `error()` is set). Valid until the next call.
  const BatchView* next();

  /// Why the walk stopped; absent after an orderly end. kUnsupported: magic 0 or 1.
  const std::optional<base::Error>& error() const { return error_; }
  /// Bytes of the whole batches walked over so far.
  size_t position() const { return position_; }
  /// The size of the batch that was cut off, as far as its header tells: at least this many bytes
  /// must be there from position() on. 0 if nothing was cut off.
  size_t needed() const { return needed_; }

 private:
  ByteView buffer_;
  size_t position_ = 0;
  size_t needed_ = 0;
  BatchView current_;
  std::optional<base::Error> error_;
};

}  // namespace longhaul::records
