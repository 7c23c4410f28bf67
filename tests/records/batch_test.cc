#include "records/batch.h"

#include <gtest/gtest.h>

#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

using base::Errc;
using base::store_big_endian;

TEST(BatchHeader, NeedsSixtyOneBytesOnly) {
  Codecs codecs;
  Bytes batch = sample_batch(codecs, {});
  EXPECT_EQ(parse_header(ByteView(batch).first(kHeaderSize))->size_bytes(), batch.size());
  for (size_t size = 0; size < kHeaderSize; ++size) {
    auto header = parse_header(ByteView(batch).first(size));
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code, Errc::kCorrupt);
  }
}

TEST(BatchHeader, RefusesWhatContradictsItself) {
  Codecs codecs;
  const Bytes good = sample_batch(codecs, {});
  auto refused = [&](size_t at, auto value) {
    Bytes batch = good;
    store_big_endian(batch.data() + at, value);
    auto header = parse_header(batch);
    EXPECT_FALSE(header);
    return header ? Errc::kIo : header.error().code;
  };
  EXPECT_EQ(refused(kLengthAt, int32_t{48}), Errc::kCorrupt);
  EXPECT_EQ(refused(kLengthAt, int32_t{-1}), Errc::kCorrupt);
  EXPECT_EQ(refused(kLastOffsetDeltaAt, int32_t{-1}), Errc::kCorrupt);
  EXPECT_EQ(refused(kRecordCountAt, int32_t{-1}), Errc::kCorrupt);
  EXPECT_EQ(refused(kBaseOffsetAt, std::numeric_limits<int64_t>::max()), Errc::kCorrupt);
  EXPECT_EQ(refused(kMagicAt, int8_t{3}), Errc::kCorrupt);
  EXPECT_EQ(refused(kMagicAt, int8_t{-1}), Errc::kCorrupt);
  EXPECT_EQ(refused(kMagicAt, int8_t{0}), Errc::kUnsupported);
  EXPECT_EQ(refused(kMagicAt, int8_t{1}), Errc::kUnsupported);
}

TEST(BatchHeader, SequencesWrap) {
  EXPECT_EQ(add_sequence(0, 5), 5);
  EXPECT_EQ(add_sequence(2147483647, 0), 2147483647);
  EXPECT_EQ(add_sequence(2147483647, 1), 0);
  EXPECT_EQ(add_sequence(2147483640, 10), 2);
}

TEST(BatchPatches, OffsetAndLeaderEpochLieOutsideTheCrc) {
  Codecs codecs;
  Bytes batch = sample_batch(codecs, {});
  set_base_offset(batch, 1'000'000'000'000);
  set_partition_leader_epoch(batch, 17);
  EXPECT_TRUE(crc_matches(batch));
  EXPECT_EQ(parse_header(batch)->base_offset, 1'000'000'000'000);
  EXPECT_EQ(parse_header(batch)->last_offset(), 1'000'000'000'004);
  EXPECT_EQ(parse_header(batch)->partition_leader_epoch, 17);
}

TEST(BatchPatches, TimestampsTakeTheCrcAlong) {
  Codecs codecs;
  for (Codec codec : kAllCodecs) {
    Bytes batch = sample_batch(codecs, {.codec = codec});
    const Bytes original = batch;
    set_max_timestamp(batch, TimestampType::kLogAppendTime, kNow + 123);
    EXPECT_TRUE(crc_matches(batch));
    EXPECT_EQ(parse_header(batch)->max_timestamp, kNow + 123);
    EXPECT_EQ(parse_header(batch)->timestamp_type(), TimestampType::kLogAppendTime);
    set_max_timestamp(batch, TimestampType::kCreateTime, kNow + 70'000);
    EXPECT_EQ(batch, original);

    batch.back() ^= 1;
    set_max_timestamp(batch, TimestampType::kLogAppendTime, kNow + 123);
    EXPECT_FALSE(crc_matches(batch)) << "a wrong CRC must not become right";
  }
}

TEST(BatchWalker, WalksAndTellsHowItEnded) {
  Codecs codecs;
  Bytes buffer;
  std::vector<size_t> ends = {0};
  for (int64_t offset : {0, 5, 10}) {
    Bytes batch = sample_batch(codecs, {.base_offset = offset, .codec = Codec::kLz4});
    buffer.insert(buffer.end(), batch.begin(), batch.end());
    ends.push_back(buffer.size());
  }
  for (size_t size = 0; size <= buffer.size(); ++size) {
    BatchWalker walker(ByteView(buffer).first(size));
    size_t count = 0;
    while (const BatchView* batch = walker.next()) {
      ASSERT_EQ(batch->header.base_offset, static_cast<int64_t>(5 * count));
      ASSERT_TRUE(crc_matches(batch->bytes));
      ++count;
      ASSERT_EQ(walker.position(), ends[count]);
    }
    ASSERT_FALSE(walker.error());
    bool at_end = size == ends[count];
    ASSERT_TRUE(at_end || size < ends[count + 1]);
    if (at_end) {
      ASSERT_EQ(walker.needed(), 0u);
    } else if (size < ends[count] + kSizeUpToMagic) {
      ASSERT_EQ(walker.needed(), kSizeUpToMagic);
    } else {
      ASSERT_EQ(walker.needed(), ends[count + 1] - ends[count]);
    }
  }
}

TEST(BatchWalker, StopsAtTheFirstMalformedBatch) {
  Codecs codecs;
  Bytes one = sample_batch(codecs, {});
  Bytes buffer = one;
  buffer.insert(buffer.end(), one.begin(), one.end());
  buffer[one.size() + kMagicAt] = 9;
  BatchWalker walker(buffer);
  EXPECT_NE(walker.next(), nullptr);
  EXPECT_EQ(walker.next(), nullptr);
  EXPECT_EQ(walker.next(), nullptr);
  ASSERT_TRUE(walker.error());
  EXPECT_EQ(walker.error()->code, Errc::kCorrupt);
  EXPECT_EQ(walker.position(), one.size());
}

}  // namespace
}  // namespace longhaul::records
