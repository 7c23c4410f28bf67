#include "records/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "records/builder.h"
#include "records/record.h"
#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

using base::store_big_endian;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::string_view_literals;

class ValidateTest : public testing::Test {
 protected:
  tl::expected<ValidatedBatch, Refusal> run(std::span<uint8_t> records) {
    return validate(records, options_, kNow, codecs_);
  }
  /// Gives the batch the CRC that belongs to what stands in it now.
  static void seal(Bytes& batch) { store_big_endian(batch.data() + kCrcAt, compute_crc(batch)); }
  /// The batch as it would be stored.
  static Bytes stored(const ValidatedBatch& result, const Bytes& sent) {
    if (result.rebuilt) return *result.rebuilt;
    return {sent.begin(), sent.begin() + static_cast<ptrdiff_t>(result.header.size_bytes())};
  }

  Codecs codecs_;
  ValidationOptions options_;
};

TEST_F(ValidateTest, LeavesAGoodBatchUntouched) {
  for (Codec codec : kAllCodecs) {
    Bytes batch = sample_batch(codecs_, {.codec = codec});
    Bytes before = batch;
    auto result = run(batch);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_FALSE(result->rebuilt);
    EXPECT_EQ(batch, before);
    EXPECT_EQ(result->header.record_count, 5);
    EXPECT_EQ(result->header.max_timestamp, kNow + 70'000);
  }
}

struct Refused {
  const char* what;
  std::function<void(Bytes&)> spoil;  // the CRC is made right afterwards, unless reason is corrupt
  Reason reason;
};

TEST_F(ValidateTest, RefusesWhatKafkaRefuses) {
  auto put16 = [](size_t at, int16_t value) {
    return [=](Bytes& batch) { store_big_endian(batch.data() + at, value); };
  };
  auto put32 = [](size_t at, int32_t value) {
    return [=](Bytes& batch) { store_big_endian(batch.data() + at, value); };
  };
  auto put64 = [](size_t at, int64_t value) {
    return [=](Bytes& batch) { store_big_endian(batch.data() + at, value); };
  };
  const Refused cases[] = {
      {"base offset", put64(kBaseOffsetAt, 1), Reason::kInvalidRecord},
      {"magic 0", [](Bytes& b) { b[kMagicAt] = 0; }, Reason::kInvalidRecord},
      {"magic 1", [](Bytes& b) { b[kMagicAt] = 1; }, Reason::kInvalidRecord},
      {"magic 3", [](Bytes& b) { b[kMagicAt] = 3; }, Reason::kCorruptMessage},
      {"control", put16(kAttributesAt, kControlBit), Reason::kInvalidRecord},
      {"codec 5", put16(kAttributesAt, 5), Reason::kUnsupportedCompressionType},
      {"count too small", put32(kRecordCountAt, 4), Reason::kInvalidRecord},
      {"count too large", put32(kRecordCountAt, 6), Reason::kInvalidRecord},
      {"no records", put32(kRecordCountAt, 0), Reason::kInvalidRecord},
      {"count negative", put32(kRecordCountAt, -1), Reason::kInvalidRecord},
      {"last offset delta", put32(kLastOffsetDeltaAt, 5), Reason::kInvalidRecord},
      {"last offset delta negative", put32(kLastOffsetDeltaAt, -1), Reason::kInvalidRecord},
      {"producer without sequence", put64(kProducerIdAt, 5), Reason::kInvalidRecord},
      {"producer without epoch",
       [](Bytes& b) {
         store_big_endian<int64_t>(b.data() + kProducerIdAt, 5);
         store_big_endian<int32_t>(b.data() + kBaseSequenceAt, 0);
       },
       Reason::kInvalidRecord},
      {"transactional without producer", put16(kAttributesAt, kTransactionalBit),
       Reason::kInvalidRecord},
      {"LogAppendTime", put16(kAttributesAt, kLogAppendTimeBit), Reason::kInvalidTimestamp},
      {"length zero", put32(kLengthAt, 0), Reason::kCorruptMessage},
      {"length less than a header", put32(kLengthAt, 40), Reason::kCorruptMessage},
      {"bad CRC", [](Bytes& b) { b[kCrcAt] ^= 1; }, Reason::kCorruptMessage},
      {"a record of 2 GiB",
       [](Bytes& b) { std::ranges::copy("\xfe\xff\xff\xff\x0f"sv, b.begin() + kHeaderSize); },
       Reason::kInvalidRecord},
      {"bytes left over",
       [](Bytes& b) {
         b.push_back(0);
         store_big_endian(b.data() + kLengthAt, static_cast<int32_t>(b.size() - kLogOverhead));
       },
       Reason::kInvalidRecord},
  };
  for (const Refused& c : cases) {
    Bytes batch = sample_batch(codecs_, {});
    c.spoil(batch);
    if (c.reason != Reason::kCorruptMessage) seal(batch);
    auto result = run(batch);
    ASSERT_FALSE(result) << c.what;
    EXPECT_EQ(result.error().reason, c.reason) << c.what << ": " << result.error().message;
  }
}

TEST_F(ValidateTest, OneBatchOnlyButTheBeginningOfAnotherIsIgnored) {
  Bytes batch = sample_batch(codecs_, {});
  size_t size = batch.size();
  Bytes two = batch;
  two.insert(two.end(), batch.begin(), batch.end());
  EXPECT_EQ(run(two).error().reason, Reason::kInvalidRecord);
  two.pop_back();
  auto result = run(two);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.size_bytes(), size);
  EXPECT_EQ(run({}).error().reason, Reason::kInvalidRecord);
}

TEST_F(ValidateTest, OthersThanClientsMayWriteControlBatchesAtAnyOffset) {
  options_.origin = Origin::kCoordinator;
  Bytes batch = sample_batch(codecs_, {.base_offset = 10, .control = true});
  EXPECT_TRUE(run(batch));
}

TEST_F(ValidateTest, SizeIsBounded) {
  Bytes batch = sample_batch(codecs_, {});
  options_.max_batch_bytes = batch.size();
  EXPECT_TRUE(run(batch));
  options_.max_batch_bytes -= 1;
  EXPECT_EQ(run(batch).error().reason, Reason::kMessageTooLarge);
}

TEST_F(ValidateTest, ZstdNeedsAYoungEnoughProduce) {
  options_.zstd_allowed = false;
  Bytes batch = sample_batch(codecs_, {.codec = Codec::kZstd});
  EXPECT_EQ(run(batch).error().reason, Reason::kUnsupportedCompressionType);
}

TEST_F(ValidateTest, CompactedTopicsNeedKeys) {
  options_.compacted = true;
  for (Codec codec : kAllCodecs) {
    Bytes batch = sample_batch(codecs_, {.codec = codec});
    auto result = run(batch);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, Reason::kInvalidRecord);
    ASSERT_EQ(result.error().record_errors.size(), 1u);
    EXPECT_EQ(result.error().record_errors[0].index, 1);
    EXPECT_THAT(result.error().record_errors[0].message, HasSubstr("key"));
  }
}

TEST_F(ValidateTest, TimestampsStayWithinTheirBounds) {
  Bytes batch = sample_batch(codecs_, {});  // from now - 3 to now + 70,000
  options_.timestamp_before_max_ms = 3;
  options_.timestamp_after_max_ms = 70'000;
  EXPECT_TRUE(run(batch));
  options_.timestamp_before_max_ms = 2;
  options_.timestamp_after_max_ms = 69'999;
  auto result = run(batch);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::kInvalidTimestamp);
  ASSERT_EQ(result.error().record_errors.size(), 2u);
  EXPECT_EQ(result.error().record_errors[0].index, 2);
  EXPECT_EQ(result.error().record_errors[1].index, 3);
  options_.timestamp_type = TimestampType::kLogAppendTime;
  EXPECT_TRUE(run(batch));
}

TEST_F(ValidateTest, RecordsWithoutATimestampPass) {
  BatchBuilder builder({});
  builder.append(kNoTimestamp, std::nullopt, base::as_bytes("v"));
  Bytes batch = builder.build(codecs_);
  options_.timestamp_before_max_ms = 1;
  auto result = run(batch);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.max_timestamp, kNoTimestamp);
}

TEST_F(ValidateTest, AWrongMaximalTimestampIsCorrected) {
  for (Codec codec : kAllCodecs) {
    Bytes good = sample_batch(codecs_, {.codec = codec});
    Bytes batch = good;
    store_big_endian<int64_t>(batch.data() + kMaxTimestampAt, 7);
    seal(batch);
    ASSERT_TRUE(run(batch));
    EXPECT_EQ(batch, good);
  }
}

TEST_F(ValidateTest, LogAppendTimeIsStamped) {
  options_.timestamp_type = TimestampType::kLogAppendTime;
  for (Codec codec : kAllCodecs) {
    Bytes batch = sample_batch(codecs_, {.codec = codec});
    auto result = run(batch);
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->rebuilt);
    EXPECT_EQ(result->header.max_timestamp, kNow);
    EXPECT_EQ(result->header.timestamp_type(), TimestampType::kLogAppendTime);
    EXPECT_TRUE(crc_matches(batch));
    EXPECT_EQ(parse_header(batch)->max_timestamp, kNow);
  }
}

TEST_F(ValidateTest, TheTopicsCodecWins) {
  for (TimestampType type : {TimestampType::kCreateTime, TimestampType::kLogAppendTime}) {
    options_.timestamp_type = type;
    for (Codec source : kAllCodecs) {
      for (Codec target : kAllCodecs) {
        SCOPED_TRACE(std::string(codec_name(source)) + " to " + std::string(codec_name(target)));
        options_.target_codec = target;
        BatchOptions sent{.codec = source,
                          .producer_id = 5,
                          .producer_epoch = 1,
                          .base_sequence = 9,
                          .transactional = true};
        Bytes batch = sample_batch(codecs_, sent);
        auto result = run(batch);
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_EQ(result->rebuilt.has_value(), source != target);
        Bytes out = stored(*result, batch);
        EXPECT_TRUE(crc_matches(out));
        EXPECT_EQ(result->header.codec(), target);
        EXPECT_EQ(result->header.producer_id, 5);
        EXPECT_EQ(result->header.base_sequence, 9);
        EXPECT_TRUE(result->header.is_transactional());
        sent.codec = Codec::kNone;
        if (type == TimestampType::kLogAppendTime) sent.log_append_time = kNow;
        EXPECT_EQ(describe_all(codecs_, out), describe_all(codecs_, sample_batch(codecs_, sent)));
      }
    }
  }
}

TEST_F(ValidateTest, RecordsLargerThanAnyWindowAreTakenInPieces) {
  BatchBuilder builder({});
  std::string huge(300'000, 'h');
  const RecordHeader headers[] = {{huge, base::as_bytes(huge)}, {"k", std::nullopt}};
  builder.append(kNow, base::as_bytes("small"), base::as_bytes("one"));
  builder.append(kNow, base::as_bytes(huge), base::as_bytes(huge), headers);
  builder.append(kNow + 1, base::as_bytes("small"), std::nullopt);
  Bytes plain = builder.build(codecs_);
  options_.max_batch_bytes = plain.size();
  for (Codec source : kAllCodecs) {
    for (Codec target : kAllCodecs) {
      options_.target_codec = source;
      Bytes sent = plain;
      auto first = run(sent);
      ASSERT_TRUE(first) << first.error().message;
      Bytes compressed = stored(*first, sent);
      options_.target_codec = target;
      auto second = run(compressed);
      ASSERT_TRUE(second) << second.error().message;
      EXPECT_EQ(describe_all(codecs_, stored(*second, compressed)), describe_all(codecs_, plain));
    }
  }
}

/// Three records whose offset deltas are 0, 1 and `last`.
Bytes batch_with_last_delta(Codecs& codecs, Codec codec, int32_t last, size_t value_size) {
  base::Writer records;
  std::string value(value_size, 'v');
  for (int32_t delta : {0, 1, last}) {
    base::Writer body;
    body.int8(0);
    body.varlong(delta == last ? 300 : 0);
    body.varint(delta);
    body.varint(-1);
    body.varint(static_cast<int32_t>(value.size()));
    body.bytes(base::as_bytes(value));
    body.varint(0);
    records.varint(static_cast<int32_t>(body.size()));
    records.bytes(body.view());
  }
  Bytes batch(kHeaderSize);
  EXPECT_TRUE(compress(codecs, codec, {}, records.view(), batch));
  BatchHeader header;
  header.attributes = static_cast<int16_t>(codec);
  header.last_offset_delta = 2;
  header.record_count = 3;
  header.base_timestamp = kNow;
  header.max_timestamp = kNow;
  store_header(batch, header);
  return batch;
}

TEST_F(ValidateTest, WrongOffsetDeltasAreWrittenAnew) {
  for (Codec codec : kAllCodecs) {
    for (size_t value_size : {1, 70'000}) {
      Bytes batch = batch_with_last_delta(codecs_, codec, 1'000'000, value_size);
      auto result = run(batch);
      ASSERT_TRUE(result) << result.error().message;
      ASSERT_TRUE(result->rebuilt);
      EXPECT_EQ(result->header.max_timestamp, kNow + 300);
      EXPECT_EQ(*result->rebuilt, [&] {
        Bytes good = batch_with_last_delta(codecs_, codec, 2, value_size);
        store_big_endian<int64_t>(good.data() + kMaxTimestampAt, kNow + 300);
        seal(good);
        return good;
      }());
    }
  }
}

TEST_F(ValidateTest, BombsCostNeitherMemoryNorMoreThanTheirBound) {
  for (Codec codec : kAllCodecs) {
    if (codec == Codec::kNone) continue;
    BatchBuilder builder({.codec = codec});
    std::string zeros(20 << 20, '\0');
    builder.append(kNow, std::nullopt, base::as_bytes(zeros));
    Bytes bomb = builder.build(codecs_);
    options_.max_batch_bytes = 2 << 20;
    EXPECT_TRUE(run(bomb)) << codec_name(codec);  // harmless as it is
    options_.max_plain_bytes = 10 << 20;
    EXPECT_EQ(run(bomb).error().reason, Reason::kMessageTooLarge);
    options_.max_plain_bytes = 1 << 30;
    options_.target_codec = Codec::kNone;  // would need 20 MiB
    EXPECT_EQ(run(bomb).error().reason, Reason::kMessageTooLarge);
    options_.target_codec.reset();
  }
}

TEST_F(ValidateTest, KnowsWhatIsHeavy) {
  Bytes plain = sample_batch(codecs_, {});
  Bytes packed = sample_batch(codecs_, {.codec = Codec::kLz4});
  EXPECT_FALSE(is_heavy(plain, options_));
  EXPECT_TRUE(is_heavy(packed, options_));
  options_.target_codec = Codec::kZstd;
  EXPECT_TRUE(is_heavy(plain, options_));
}

}  // namespace
}  // namespace longhaul::records
