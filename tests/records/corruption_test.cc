// Bytes that are not what they say: flipped, cut off, invented.
#include <gtest/gtest.h>

#include <random>

#include "records/record.h"
#include "records/validate.h"
#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

using base::store_big_endian;

TEST(Corruption, AFlippedBitIsNeverTakenExceptOutsideTheCrc) {
  Codecs codecs;
  for (Codec codec : kAllCodecs) {
    const Bytes good = sample_batch(codecs, {.codec = codec});
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      Bytes batch = good;
      batch[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
      bool taken = validate(batch, {}, kNow, codecs).has_value();
      // Kafka and we ignore what a producer says of the leader epoch.
      bool outside = bit / 8 >= kPartitionLeaderEpochAt && bit / 8 < kMagicAt;
      ASSERT_EQ(taken, outside) << codec_name(codec) << " bit " << bit;
    }
  }
}

TEST(Corruption, ACutOffBatchIsNeverTaken) {
  Codecs codecs;
  for (Codec codec : kAllCodecs) {
    const Bytes good = sample_batch(codecs, {.codec = codec});
    for (size_t size = 0; size < good.size(); ++size) {
      Bytes batch(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
      ASSERT_FALSE(validate(batch, {}, kNow, codecs)) << size;
      if (size <= kHeaderSize) continue;
      // The same with a header that fits what is left.
      store_big_endian(batch.data() + kLengthAt, static_cast<int32_t>(size - kLogOverhead));
      store_big_endian(batch.data() + kCrcAt, compute_crc(batch));
      ASSERT_FALSE(validate(batch, {}, kNow, codecs)) << codec_name(codec) << " " << size;
    }
  }
}

/// Changes bytes here and there, more often where it hurts.
void mutate(Bytes& batch, std::mt19937& engine) {
  for (uint32_t changes = 1 + engine() % 4; changes != 0; --changes) {
    size_t at = kAttributesAt + engine() % (batch.size() - kAttributesAt);
    switch (engine() % 4) {
      case 0:
        batch[at] = static_cast<uint8_t>(engine());
        break;
      case 1:
        batch[at] ^= static_cast<uint8_t>(1u << (engine() % 8));
        break;
      case 2:
        batch[at] = engine() % 2 == 0 ? 0xff : 0x00;
        break;
      default:
        if (batch.size() > kHeaderSize + 1) batch.pop_back();
    }
  }
  store_big_endian(batch.data() + kLengthAt, static_cast<int32_t>(batch.size() - kLogOverhead));
  store_big_endian(batch.data() + kCrcAt, compute_crc(batch));
}

// What passes the CRC because the sender meant it is either refused or can be read in full.
TEST(Corruption, MutatedBatchesAreRefusedOrReadable) {
  Codecs codecs;
  std::mt19937 engine(20240601);
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    Codec codec = kAllCodecs[engine() % 5];
    Bytes batch = sample_batch(codecs, {.codec = codec});
    mutate(batch, engine);
    ValidationOptions options;
    options.max_plain_bytes = 1 << 20;
    if (engine() % 2 == 0) options.target_codec = kAllCodecs[engine() % 5];
    auto result = validate(batch, options, kNow, codecs);
    if (!result) continue;
    ++taken;
    const Bytes& stored = result->rebuilt ? *result->rebuilt : batch;
    ASSERT_TRUE(crc_matches(stored));
    auto lines = describe_all(codecs, stored);
    ASSERT_EQ(lines.size(), static_cast<size_t>(result->header.record_count));
    ASSERT_FALSE(lines.back().starts_with("error")) << lines.back();
  }
  EXPECT_GT(taken, 100);  // values and keys may change freely
}

}  // namespace
}  // namespace longhaul::records
