#include "records/batch.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/crc32c.h"

namespace longhaul::records {

using base::Errc;
using base::load_big_endian;
using base::store_big_endian;

namespace {

constexpr int32_t kMinLength = static_cast<int32_t>(kHeaderSize - kLogOverhead);
/// The least length of a magic 0 message.
constexpr int32_t kMinLegacyLength = 14;

BatchHeader load_header(const uint8_t* at) {
  BatchHeader header;
  header.base_offset = load_big_endian<int64_t>(at + kBaseOffsetAt);
  header.length = load_big_endian<int32_t>(at + kLengthAt);
  header.partition_leader_epoch = load_big_endian<int32_t>(at + kPartitionLeaderEpochAt);
  header.magic = static_cast<int8_t>(at[kMagicAt]);
  header.crc = load_big_endian<uint32_t>(at + kCrcAt);
  header.attributes = load_big_endian<int16_t>(at + kAttributesAt);
  header.last_offset_delta = load_big_endian<int32_t>(at + kLastOffsetDeltaAt);
  header.base_timestamp = load_big_endian<int64_t>(at + kBaseTimestampAt);
  header.max_timestamp = load_big_endian<int64_t>(at + kMaxTimestampAt);
  header.producer_id = load_big_endian<int64_t>(at + kProducerIdAt);
  header.producer_epoch = load_big_endian<int16_t>(at + kProducerEpochAt);
  header.base_sequence = load_big_endian<int32_t>(at + kBaseSequenceAt);
  header.record_count = load_big_endian<int32_t>(at + kRecordCountAt);
  return header;
}

/// Checks the length field and the magic, which need only the first 17 bytes.
base::Result<void> check_frame(const uint8_t* at) {
  auto length = load_big_endian<int32_t>(at + kLengthAt);
  auto magic = static_cast<int8_t>(at[kMagicAt]);
  if (length < kMinLegacyLength) {
    return base::fail(Errc::kCorrupt, fmt::format("record batch of length {}", length));
  }
  if (magic == 0 || magic == 1) {
    return base::fail(
        Errc::kUnsupported,
        fmt::format("message format {} was dropped by Kafka 4; only 2 is taken", magic));
  }
  if (magic != kMagic) {
    return base::fail(Errc::kCorrupt, fmt::format("record batch with unknown magic {}", magic));
  }
  if (length < kMinLength) {
    return base::fail(Errc::kCorrupt,
                      fmt::format("record batch of length {}, less than its header", length));
  }
  return {};
}

}  // namespace

base::Result<BatchHeader> parse_header(ByteView bytes) {
  if (bytes.size() < kSizeUpToMagic) {
    return base::fail(Errc::kCorrupt,
                      fmt::format("{} bytes are too few for a record batch", bytes.size()));
  }
  LH_TRY(check_frame(bytes.data()));
  if (bytes.size() < kHeaderSize) {
    return base::fail(Errc::kCorrupt,
                      fmt::format("{} bytes are too few for a record batch", bytes.size()));
  }
  BatchHeader header = load_header(bytes.data());
  if (header.last_offset_delta < 0 || header.record_count < 0 ||
      header.base_offset > std::numeric_limits<int64_t>::max() - header.last_offset_delta - 1) {
    return base::fail(
        Errc::kCorrupt,
        fmt::format("record batch at offset {} with last offset delta {} and {} records",
                    header.base_offset, header.last_offset_delta, header.record_count));
  }
  return header;
}

uint32_t compute_crc(ByteView batch) {
  LH_ASSERT(batch.size() >= kHeaderSize, "not a whole batch");
  return base::crc32c(batch.subspan(kAttributesAt));
}

bool crc_matches(ByteView batch) {
  return batch.size() >= kHeaderSize &&
         load_big_endian<uint32_t>(batch.data() + kCrcAt) == compute_crc(batch);
}

void set_base_offset(std::span<uint8_t> batch, int64_t base_offset) {
  LH_ASSERT(batch.size() >= kHeaderSize, "not a batch header");
  store_big_endian(batch.data() + kBaseOffsetAt, base_offset);
}

void set_partition_leader_epoch(std::span<uint8_t> batch, int32_t epoch) {
  LH_ASSERT(batch.size() >= kHeaderSize, "not a batch header");
  store_big_endian(batch.data() + kPartitionLeaderEpochAt, epoch);
}

void set_max_timestamp(std::span<uint8_t> batch, TimestampType type, int64_t max_timestamp) {
  LH_ASSERT(batch.size() >= kHeaderSize, "not a whole batch");
  uint8_t* at = batch.data();
  ByteView changed{at + kAttributesAt, kHeaderSize - kAttributesAt};
  uint32_t before = base::crc32c(changed);
  auto attributes = load_big_endian<int16_t>(at + kAttributesAt);
  attributes =
      static_cast<int16_t>(type == TimestampType::kLogAppendTime ? attributes | kLogAppendTimeBit
                                                                 : attributes & ~kLogAppendTimeBit);
  store_big_endian(at + kAttributesAt, attributes);
  store_big_endian(at + kMaxTimestampAt, max_timestamp);
  uint32_t difference = before ^ base::crc32c(changed);
  auto crc = load_big_endian<uint32_t>(at + kCrcAt);
  crc ^= base::crc32c_shift(difference, batch.size() - kHeaderSize);
  store_big_endian(at + kCrcAt, crc);
}

const BatchView* BatchWalker::next() {
  if (error_) return nullptr;
  ByteView rest = buffer_.subspan(position_);
  if (rest.size() < kSizeUpToMagic) {
    needed_ = rest.empty() ? 0 : kSizeUpToMagic;
    return nullptr;
  }
  if (auto frame = check_frame(rest.data()); !frame) {
    error_ = std::move(frame).error();
    return nullptr;
  }
  size_t size = kLogOverhead + load_big_endian<uint32_t>(rest.data() + kLengthAt);
  if (rest.size() < size) {
    needed_ = size;
    return nullptr;
  }
  auto header = parse_header(rest);
  if (!header) {
    error_ = std::move(header).error();
    return nullptr;
  }
  current_ = {*header, rest.first(size)};
  position_ += size;
  return &current_;
}

}  // namespace longhaul::records
