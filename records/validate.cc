#include "records/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "records/builder.h"
#include "records/record_stream.h"

namespace longhaul::records {

using base::Errc;

namespace {

template <class T>
using Checked = tl::expected<T, Refusal>;

tl::unexpected<Refusal> refuse(Reason reason, std::string message) {
  return tl::unexpected<Refusal>(Refusal{reason, std::move(message), {}});
}

/// Why the bytes at the beginning of `records` are not a batch that can be looked at further.
tl::unexpected<Refusal> refuse_malformed(ByteView records, const base::Error& error) {
  if (error.code == Errc::kUnsupported) return refuse(Reason::kInvalidRecord, error.message);
  // A right CRC says that the sender meant it: sending again will not help. The magic lies outside.
  size_t size = kLogOverhead + base::load_big_endian<uint32_t>(records.data() + kLengthAt);
  bool meant = records[kMagicAt] == kMagic && size >= kHeaderSize && size <= records.size() &&
               crc_matches(records.first(size));
  return refuse(meant ? Reason::kInvalidRecord : Reason::kCorruptMessage, error.message);
}

/// The one whole batch that a producer may send.
Checked<BatchView> find_batch(ByteView records) {
  BatchWalker walker(records);
  const BatchView* first = walker.next();
  if (first == nullptr) {
    if (walker.error()) return refuse_malformed(records, *walker.error());
    return refuse(Reason::kInvalidRecord, "no whole record batch");
  }
  BatchView batch = *first;
  if (walker.next() != nullptr) {
    return refuse(Reason::kInvalidRecord, "more than one record batch for one partition");
  }
  if (walker.error()) return refuse(Reason::kCorruptMessage, walker.error()->message);
  return batch;
}

Checked<void> check_batch(const BatchView& batch, const ValidationOptions& options) {
  const BatchHeader& header = batch.header;
  if (options.origin == Origin::kClient && header.base_offset != 0) {
    return refuse(Reason::kInvalidRecord,
                  fmt::format("base offset {}, but producers send 0", header.base_offset));
  }
  if (batch.bytes.size() > options.max_batch_bytes) {
    return refuse(Reason::kMessageTooLarge,
                  fmt::format("a record batch of {} bytes, at most {} are allowed",
                              batch.bytes.size(), options.max_batch_bytes));
  }
  if (!crc_matches(batch.bytes)) {
    return refuse(Reason::kCorruptMessage, "the record batch does not have the CRC it names");
  }
  if (!header.codec() || (header.codec() == Codec::kZstd && !options.zstd_allowed)) {
    return refuse(Reason::kUnsupportedCompressionType,
                  fmt::format("compression type {} is not supported by this version of Produce",
                              header.attributes & kCodecMask));
  }
  return {};
}

/// What clients may not do, though others may.
Checked<void> check_client(const BatchHeader& header) {
  if (header.record_count <= 0 || header.record_count - 1 != header.last_offset_delta) {
    return refuse(Reason::kInvalidRecord,
                  fmt::format("{} records, but a last offset delta of {}", header.record_count,
                              header.last_offset_delta));
  }
  if (header.is_control()) {
    return refuse(Reason::kInvalidRecord, "clients may not write control records");
  }
  if (header.has_producer_id() && (header.base_sequence < 0 || header.producer_epoch < 0)) {
    return refuse(Reason::kInvalidRecord,
                  fmt::format("base sequence {} and epoch {} from producer {}",
                              header.base_sequence, header.producer_epoch, header.producer_id));
  }
  if (header.is_transactional() && !header.has_producer_id()) {
    return refuse(Reason::kInvalidRecord, "a transactional batch without a producer ID");
  }
  return {};
}

/// Walks over the records of one batch once and checks each.
class RecordChecks {
 public:
  RecordChecks(const BatchHeader& header, const ValidationOptions& options, int64_t now_ms)
      : header_(header), options_(options), now_ms_(now_ms) {}

  Checked<void> run(RecordStream& stream) {
    Record record;
    for (int32_t index = 0; index < header_.record_count; ++index) {
      if (auto read = stream.next(index, record); !read) return refuse_unreadable(read.error());
      deltas_right_ &= record.offset_delta == index;
      check(index, record);
    }
    if (header_.record_count > 0) {
      if (auto end = stream.finish(); !end) return refuse_unreadable(end.error());
    }
    if (error_count_ == 0) return {};
    return tl::unexpected<Refusal>(refusal());
  }

  /// Of the records that were read; -1 if none has one.
  int64_t max_timestamp() const { return max_timestamp_; }
  /// Every record had its index as offset delta.
  bool deltas_right() const { return deltas_right_; }

 private:
  void check(int32_t index, const Record& record) {
    if (options_.compacted && !record.key) [[unlikely]] {
      add_error(index, "a compacted topic takes no record without a key");
      return;
    }
    int64_t timestamp = wrapping_add(header_.base_timestamp, record.timestamp_delta);
    if (header_.timestamp_type() == TimestampType::kLogAppendTime) [[unlikely]] {
      if (options_.origin == Origin::kClient) {
        timestamp_error_ = true;
        add_error(index, "producers may not set the timestamp type to LogAppendTime");
        return;
      }
      timestamp = header_.max_timestamp;
    }
    if (options_.timestamp_type == TimestampType::kCreateTime && timestamp != kNoTimestamp &&
        out_of_range(timestamp)) [[unlikely]] {
      timestamp_error_ = true;
      add_error(index, fmt::format("timestamp {} is not from {} ms before to {} ms after {}",
                                   timestamp, options_.timestamp_before_max_ms,
                                   options_.timestamp_after_max_ms, now_ms_));
      return;
    }
    max_timestamp_ = std::max(max_timestamp_, timestamp);
  }

  bool out_of_range(int64_t timestamp) const {
    // Wraps as Kafka's does: a time far outside ends up on one of the two sides.
    uint64_t age = static_cast<uint64_t>(now_ms_) - static_cast<uint64_t>(timestamp);
    return static_cast<int64_t>(age) > options_.timestamp_before_max_ms ||
           static_cast<int64_t>(0 - age) > options_.timestamp_after_max_ms;
  }

  void add_error(int32_t index, std::string message) {
    ++error_count_;
    if (errors_.size() < kMaxRecordErrors) errors_.push_back({index, std::move(message)});
  }

  Refusal refusal() {
    return {timestamp_error_ ? Reason::kInvalidTimestamp : Reason::kInvalidRecord,
            fmt::format("{} of {} records were rejected; the first: {}", error_count_,
                        header_.record_count, errors_.front().message),
            std::move(errors_)};
  }

  static tl::unexpected<Refusal> refuse_unreadable(const base::Error& error) {
    return refuse(error.code == Errc::kTooLarge ? Reason::kMessageTooLarge : Reason::kInvalidRecord,
                  error.message);
  }

  const BatchHeader& header_;
  const ValidationOptions& options_;
  const int64_t now_ms_;
  int64_t max_timestamp_ = kNoTimestamp;
  bool deltas_right_ = true;
  bool timestamp_error_ = false;
  size_t error_count_ = 0;
  std::vector<RecordError> errors_;
};

/// One batch on its way: either it stays where it is, or its records are written anew.
class Validation {
 public:
  Validation(const BatchView& batch, const ValidationOptions& options, int64_t now_ms,
             Codecs& codecs)
      : batch_(batch),
        options_(options),
        now_ms_(now_ms),
        codecs_(codecs),
        source_(*batch.header.codec()) {}

  Checked<ValidatedBatch> run(std::span<uint8_t> bytes) {
    if (source_ != target_codec()) return rebuild();
    RecordChecks checks(batch_.header, options_, now_ms_);
    if (auto checked = walk(checks, nullptr); !checked) {
      return tl::unexpected(std::move(checked).error());
    }
    // Kafka writes such a batch anew only where it was compressed; where it was not, it stores
    // offsets that contradict the header. We do not.
    if (!checks.deltas_right()) return rebuild();
    BatchHeader header = batch_.header;
    int64_t max_timestamp = max_timestamp_of(checks);
    if (header.timestamp_type() != options_.timestamp_type ||
        header.max_timestamp != max_timestamp) {
      set_max_timestamp(bytes.first(header.size_bytes()), options_.timestamp_type, max_timestamp);
      header = *parse_header(bytes);
    }
    return ValidatedBatch{header, std::nullopt};
  }

 private:
  Codec target_codec() const {
    if (source_ == Codec::kNone && batch_.header.is_control()) return Codec::kNone;
    return options_.target_codec.value_or(source_);
  }

  int64_t max_timestamp_of(const RecordChecks& checks) const {
    return options_.timestamp_type == TimestampType::kLogAppendTime ? now_ms_
                                                                    : checks.max_timestamp();
  }

  Checked<void> walk(RecordChecks& checks, Encoder* encoder) {
    if (source_ == Codec::kNone) {
      RecordStream stream(batch_.payload());
      stream.copy_to(encoder);
      return checks.run(stream);
    }
    Decoder& decoder = codecs_.decoder(source_);
    decoder.start(batch_.payload());
    RecordStream stream(decoder, options_.max_plain_bytes);
    stream.copy_to(encoder);
    return checks.run(stream);
  }

  Checked<ValidatedBatch> rebuild() {
    Codec target = target_codec();
    Bytes out(kHeaderSize);
    Encoder& encoder = codecs_.encoder(target, options_.levels);
    if (auto started = encoder.start(&out, options_.max_batch_bytes); !started) {
      return refuse(Reason::kMessageTooLarge, started.error().message);
    }
    RecordChecks checks(batch_.header, options_, now_ms_);
    if (auto checked = walk(checks, &encoder); !checked) {
      return tl::unexpected(std::move(checked).error());
    }
    if (auto finished = encoder.finish(); !finished) {
      return refuse(Reason::kMessageTooLarge, finished.error().message);
    }
    BatchHeader header = batch_.header;
    int attributes =
        (header.attributes & ~kCodecMask & ~kLogAppendTimeBit) | static_cast<int>(target) |
        (options_.timestamp_type == TimestampType::kLogAppendTime ? kLogAppendTimeBit : 0);
    header.attributes = static_cast<int16_t>(attributes);
    header.max_timestamp = max_timestamp_of(checks);
    store_header(out, header);
    return ValidatedBatch{*parse_header(out), std::move(out)};
  }

  const BatchView& batch_;
  const ValidationOptions& options_;
  const int64_t now_ms_;
  Codecs& codecs_;
  const Codec source_;
};

}  // namespace

tl::expected<ValidatedBatch, Refusal> validate(std::span<uint8_t> records,
                                               const ValidationOptions& options, int64_t now_ms,
                                               Codecs& codecs) {
  auto batch = find_batch(records);
  if (!batch) return tl::unexpected(std::move(batch).error());
  if (auto checked = check_batch(*batch, options); !checked) {
    return tl::unexpected(std::move(checked).error());
  }
  if (options.origin == Origin::kClient) {
    if (auto checked = check_client(batch->header); !checked) {
      return tl::unexpected(std::move(checked).error());
    }
  }
  return Validation(*batch, options, now_ms, codecs).run(records);
}

bool is_heavy(ByteView records, const ValidationOptions& options) {
  if (records.size() < kHeaderSize) return false;
  int codec = records[kAttributesAt + 1] & kCodecMask;
  return codec != 0 || options.target_codec.value_or(Codec::kNone) != Codec::kNone;
}

}  // namespace longhaul::records
