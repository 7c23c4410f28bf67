#include "records/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "records/record.h"
#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

using testing::ElementsAre;

TEST(BatchBuilder, EveryCodecReadsBackWhatWasAppended) {
  Codecs codecs;
  for (Codec codec : kAllCodecs) {
    SCOPED_TRACE(codec_name(codec));
    Bytes batch = sample_batch(codecs, {.base_offset = 100, .codec = codec});
    EXPECT_TRUE(crc_matches(batch));
    EXPECT_THAT(describe_all(codecs, batch),
                ElementsAre("100@1700000000000 'key-0'='value-0'",
                            "101@1700000000005 null='" + std::string(700, 'v') + "'",
                            "102@1699999999997 'key-2'=null",
                            "103@1700000070000 'key-3'='value-3' trace:'abc' empty:null",
                            "104@1700000000000 ''=''"));
  }
}

TEST(BatchBuilder, HeaderSaysWhatTheOptionsSay) {
  Codecs codecs;
  Bytes batch = sample_batch(codecs, {.base_offset = 7,
                                      .partition_leader_epoch = 3,
                                      .codec = Codec::kZstd,
                                      .producer_id = 9000,
                                      .producer_epoch = 2,
                                      .base_sequence = 11,
                                      .transactional = true});
  auto header = parse_header(batch);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->size_bytes(), batch.size());
  EXPECT_EQ(header->base_offset, 7);
  EXPECT_EQ(header->last_offset(), 11);
  EXPECT_EQ(header->record_count, 5);
  EXPECT_EQ(header->partition_leader_epoch, 3);
  EXPECT_EQ(header->codec(), Codec::kZstd);
  EXPECT_EQ(header->timestamp_type(), TimestampType::kCreateTime);
  EXPECT_TRUE(header->is_transactional());
  EXPECT_FALSE(header->is_control());
  EXPECT_FALSE(header->has_delete_horizon());
  EXPECT_EQ(header->base_timestamp, kNow);
  EXPECT_EQ(header->max_timestamp, kNow + 70'000);
  EXPECT_EQ(header->producer_id, 9000);
  EXPECT_EQ(header->producer_epoch, 2);
  EXPECT_EQ(header->base_sequence, 11);
  EXPECT_EQ(header->last_sequence(), 15);
}

TEST(BatchBuilder, LogAppendTimeIsEveryRecordsTime) {
  Codecs codecs;
  BatchBuilder builder({.log_append_time = kNow + 9});
  builder.append(kNow, std::nullopt, base::as_bytes("a"));
  builder.append(kNow + 100, std::nullopt, base::as_bytes("b"));
  EXPECT_THAT(describe_all(codecs, builder.build(codecs)),
              ElementsAre("0@1700000000009 null='a'", "1@1700000000009 null='b'"));
}

TEST(BatchBuilder, GoesOnBehindWhatItBuilt) {
  Codecs codecs;
  BatchBuilder builder(
      {.base_offset = 5, .producer_id = 1, .producer_epoch = 0, .base_sequence = 2147483646});
  for (int round = 0; round < 2; ++round) {
    builder.append(kNow, std::nullopt, base::as_bytes("a"));
    builder.append(kNow, std::nullopt, base::as_bytes("b"));
    Bytes batch = builder.build(codecs);
    EXPECT_EQ(parse_header(batch)->base_offset, 5 + 2 * round);
    EXPECT_EQ(parse_header(batch)->base_sequence, round == 0 ? 2147483646 : 0);
    EXPECT_EQ(parse_header(batch)->last_sequence(), round == 0 ? 2147483647 : 1);
    EXPECT_EQ(builder.count(), 0);
  }
}

TEST(BatchBuilder, SizesAreKnownBefore) {
  Codecs codecs;
  BatchBuilder builder({});
  const RecordHeader headers[] = {{"h", base::as_bytes("1")}};
  for (int i = 0; i < 200; ++i) {
    size_t expected = builder.size_bytes() + builder.record_size(kNow + i * 50, std::nullopt,
                                                                 base::as_bytes("v"), headers);
    builder.append(kNow + i * 50, std::nullopt, base::as_bytes("v"), headers);
    ASSERT_EQ(builder.size_bytes(), expected);
  }
  size_t size = builder.size_bytes();
  EXPECT_EQ(builder.build(codecs).size(), size);
}

/// The sample written anew with what `keeps` says.
template <class Keeps>
Bytes rewrite(Codecs& codecs, const Bytes& batch, std::optional<int64_t> horizon, Keeps keeps) {
  BatchHeader header = *parse_header(batch);
  Bytes scratch;
  auto payload =
      plain_payload(codecs, header, ByteView(batch).subspan(kHeaderSize), 1 << 20, scratch);
  BatchRewriter rewriter(header, horizon);
  RecordReader reader(header, *payload);
  while (const Record* record = reader.next()) {
    if (keeps(*record)) rewriter.keep(*record);
  }
  return rewriter.build(codecs);
}

TEST(BatchRewriter, KeepsOffsetsWithGapsInEveryCodec) {
  Codecs codecs;
  for (Codec codec : kAllCodecs) {
    SCOPED_TRACE(codec_name(codec));
    BatchOptions options{.base_offset = 100, .codec = codec, .producer_id = 7, .base_sequence = 40};
    Bytes batch = sample_batch(codecs, options);
    Bytes less = rewrite(codecs, batch, std::nullopt,
                         [](const Record& record) { return record.offset % 2 != 0; });
    EXPECT_TRUE(crc_matches(less));
    EXPECT_THAT(describe_all(codecs, less),
                ElementsAre("101@1700000000005 null='" + std::string(700, 'v') + "'",
                            "103@1700000070000 'key-3'='value-3' trace:'abc' empty:null"));
    BatchHeader header = *parse_header(less);
    EXPECT_EQ(header.base_offset, 100);
    EXPECT_EQ(header.last_offset(), 104);
    EXPECT_EQ(header.last_sequence(), 44);
    EXPECT_EQ(header.codec(), codec);
    EXPECT_EQ(header.max_timestamp, kNow + 70'000);
    EXPECT_FALSE(header.has_delete_horizon());
  }
}

TEST(BatchRewriter, ADeleteHorizonChangesNoRecordsTime) {
  Codecs codecs;
  Bytes batch = sample_batch(codecs, {.base_offset = 100});
  auto all = [](const Record&) { return true; };
  Bytes with_horizon = rewrite(codecs, batch, kNow + 86'400'000, all);
  BatchHeader header = *parse_header(with_horizon);
  EXPECT_TRUE(header.has_delete_horizon());
  EXPECT_EQ(header.base_timestamp, kNow + 86'400'000);
  EXPECT_EQ(describe_all(codecs, with_horizon), describe_all(codecs, batch));
  Bytes again = rewrite(codecs, with_horizon, std::nullopt, all);
  EXPECT_EQ(again, with_horizon) << "the horizon stays";
}

TEST(BatchRewriter, TheTimeOfTheAppendStays) {
  Codecs codecs;
  Bytes batch = sample_batch(codecs, {.log_append_time = kNow + 1});
  Bytes one =
      rewrite(codecs, batch, kNow + 10, [](const Record& record) { return record.offset == 2; });
  EXPECT_EQ(parse_header(one)->max_timestamp, kNow + 1);
  EXPECT_THAT(describe_all(codecs, one), ElementsAre("2@1700000000001 'key-2'=null"));
}

TEST(BatchRewriter, AnEmptyBatchRemembersOffsetsAndSequence) {
  Codecs codecs;
  BatchOptions options{.base_offset = 100,
                       .codec = Codec::kZstd,
                       .producer_id = 7,
                       .producer_epoch = 3,
                       .base_sequence = 40};
  Bytes batch = sample_batch(codecs, options);
  Bytes empty = make_empty_batch(*parse_header(batch));
  EXPECT_EQ(empty.size(), kHeaderSize);
  EXPECT_TRUE(crc_matches(empty));
  BatchHeader header = *parse_header(empty);
  EXPECT_EQ(header.base_offset, 100);
  EXPECT_EQ(header.last_offset(), 104);
  EXPECT_EQ(header.producer_epoch, 3);
  EXPECT_EQ(header.last_sequence(), 44);
  EXPECT_EQ(header.record_count, 0);
  EXPECT_EQ(header.codec(), Codec::kNone);
  EXPECT_TRUE(describe_all(codecs, empty).empty());
}

}  // namespace
}  // namespace longhaul::records
