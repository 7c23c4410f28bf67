#include "records/builder.h"

#include <algorithm>

#include "base/assert.h"
#include "records/cursor.h"

namespace longhaul::records {

using base::store_big_endian;
using base::varlong_size;

namespace {

size_t field_size(std::optional<ByteView> field) {
  if (!field) return 1;
  return varlong_size(static_cast<int64_t>(field->size())) + field->size();
}

void write_field(base::Writer& out, std::optional<ByteView> field) {
  if (!field) {
    out.varint(-1);
    return;
  }
  out.varint(static_cast<int32_t>(field->size()));
  out.bytes(*field);
}

/// The length of a record and what stands before its headers.
void begin_record(base::Writer& out, size_t size, int8_t attributes, int64_t timestamp_delta,
                  int32_t offset_delta, std::optional<ByteView> key,
                  std::optional<ByteView> value) {
  out.varint(static_cast<int32_t>(size));
  out.int8(attributes);
  out.varlong(timestamp_delta);
  out.varint(offset_delta);
  write_field(out, key);
  write_field(out, value);
}

/// The batch of these records; its codec is the header's.
Bytes finish(const BatchHeader& header, const CompressionLevels& levels, const Bytes& plain,
             Codecs& codecs) {
  LH_ASSERT(header.record_count > 0, "a batch without records");
  Bytes batch(kHeaderSize);
  batch.reserve(kHeaderSize + plain.size());
  auto compressed = compress(codecs, header.codec().value_or(Codec::kNone), levels, plain, batch);
  LH_ASSERT(compressed.has_value(), "a codec failed although its output has no bound");
  store_header(batch, header);
  return batch;
}

int16_t attributes_of(const BatchOptions& options) {
  int attributes = static_cast<int>(options.codec);
  if (options.log_append_time) attributes |= kLogAppendTimeBit;
  if (options.transactional) attributes |= kTransactionalBit;
  if (options.control) attributes |= kControlBit;
  return static_cast<int16_t>(attributes);
}

}  // namespace

void store_header(std::span<uint8_t> batch, const BatchHeader& header) {
  LH_ASSERT(batch.size() >= kHeaderSize, "not a whole batch");
  uint8_t* at = batch.data();
  store_big_endian(at + kBaseOffsetAt, header.base_offset);
  store_big_endian(at + kLengthAt, static_cast<int32_t>(batch.size() - kLogOverhead));
  store_big_endian(at + kPartitionLeaderEpochAt, header.partition_leader_epoch);
  at[kMagicAt] = static_cast<uint8_t>(kMagic);
  store_big_endian(at + kAttributesAt, header.attributes);
  store_big_endian(at + kLastOffsetDeltaAt, header.last_offset_delta);
  store_big_endian(at + kBaseTimestampAt, header.base_timestamp);
  store_big_endian(at + kMaxTimestampAt, header.max_timestamp);
  store_big_endian(at + kProducerIdAt, header.producer_id);
  store_big_endian(at + kProducerEpochAt, header.producer_epoch);
  store_big_endian(at + kBaseSequenceAt, header.base_sequence);
  store_big_endian(at + kRecordCountAt, header.record_count);
  store_big_endian(at + kCrcAt, compute_crc(batch));
}

size_t BatchBuilder::body_size(int64_t timestamp, std::optional<ByteView> key,
                               std::optional<ByteView> value,
                               std::span<const RecordHeader> headers) const {
  int64_t delta = count_ == 0 ? 0 : timestamp - base_timestamp_;
  size_t size = 1 + varlong_size(delta) + varlong_size(count_) + field_size(key) +
                field_size(value) + varlong_size(static_cast<int64_t>(headers.size()));
  for (const RecordHeader& header : headers) {
    size += field_size(base::as_bytes(header.key)) + field_size(header.value);
  }
  return size;
}

size_t BatchBuilder::record_size(int64_t timestamp, std::optional<ByteView> key,
                                 std::optional<ByteView> value,
                                 std::span<const RecordHeader> headers) const {
  size_t size = body_size(timestamp, key, value, headers);
  return varlong_size(static_cast<int64_t>(size)) + size;
}

void BatchBuilder::append(int64_t timestamp, std::optional<ByteView> key,
                          std::optional<ByteView> value, std::span<const RecordHeader> headers) {
  size_t size = body_size(timestamp, key, value, headers);
  if (count_ == 0) base_timestamp_ = timestamp;
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  begin_record(records_, size, 0, timestamp - base_timestamp_, count_++, key, value);
  records_.varint(static_cast<int32_t>(headers.size()));
  for (const RecordHeader& header : headers) {
    write_field(records_, base::as_bytes(header.key));
    write_field(records_, header.value);
  }
}

BatchRewriter::BatchRewriter(const BatchHeader& original, std::optional<int64_t> delete_horizon_ms)
    : header_(original) {
  if (delete_horizon_ms) {
    header_.base_timestamp = *delete_horizon_ms;
    auto back = static_cast<int64_t>(0 - static_cast<uint64_t>(*delete_horizon_ms));
    shift_ = wrapping_add(original.base_timestamp, back);
    header_.attributes = static_cast<int16_t>(header_.attributes | kDeleteHorizonBit);
  }
  header_.record_count = 0;
  if (original.timestamp_type() == TimestampType::kCreateTime) header_.max_timestamp = kNoTimestamp;
}

void BatchRewriter::keep(const Record& record) {
  int64_t delta = wrapping_add(record.timestamp_delta, shift_);
  size_t size = 1 + varlong_size(delta) + varlong_size(record.offset_delta) +
                field_size(record.key) + field_size(record.value) +
                varlong_size(record.header_count) + record.raw_headers.size();
  begin_record(records_, size, record.attributes, delta, record.offset_delta, record.key,
               record.value);
  records_.varint(record.header_count);
  records_.bytes(record.raw_headers);
  header_.max_timestamp = std::max(header_.max_timestamp, record.timestamp);
  ++header_.record_count;
}

Bytes BatchRewriter::build(Codecs& codecs) { return finish(header_, {}, records_.take(), codecs); }

Bytes make_empty_batch(const BatchHeader& original) {
  BatchHeader header = original;
  header.attributes =
      static_cast<int16_t>(header.attributes & ~(static_cast<int>(kCodecMask) | kDeleteHorizonBit));
  header.base_timestamp = kNoTimestamp;
  header.record_count = 0;
  Bytes batch(kHeaderSize);
  store_header(batch, header);
  return batch;
}

Bytes BatchBuilder::build(Codecs& codecs) {
  BatchHeader header;
  header.base_offset = options_.base_offset;
  header.partition_leader_epoch = options_.partition_leader_epoch;
  header.attributes = attributes_of(options_);
  header.last_offset_delta = count_ - 1;
  header.base_timestamp = base_timestamp_;
  header.max_timestamp = options_.log_append_time.value_or(max_timestamp_);
  header.producer_id = options_.producer_id;
  header.producer_epoch = options_.producer_epoch;
  header.base_sequence = options_.base_sequence;
  header.record_count = count_;
  Bytes batch = finish(header, options_.levels, records_.take(), codecs);

  records_ = base::Writer();
  options_.base_offset = header.next_offset();
  if (options_.base_sequence != kNoSequence) {
    options_.base_sequence = add_sequence(options_.base_sequence, count_);
  }
  count_ = 0;
  base_timestamp_ = max_timestamp_ = kNoTimestamp;
  return batch;
}

}  // namespace longhaul::records
