#include "records/compression.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>

#include <random>

#include "tests/records/samples.h"

namespace longhaul::records {
namespace {

using base::Errc;

Bytes some_text(size_t size) {
  std::mt19937 engine(7);
  Bytes bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>('a' + engine() % 6);
  return bytes;
}

TEST(Compression, RoundTripsAtManySizes) {
  Codecs codecs;
  for (Codec codec : kAllCodecs) {
    for (size_t size : {1, 100, 32'767, 32'768, 32'769, 65'536, 65'537, 300'000}) {
      Bytes plain = some_text(size);
      Bytes packed = {9};
      ASSERT_TRUE(compress(codecs, codec, {}, plain, packed));
      Bytes back = {8};
      ASSERT_TRUE(decompress(codecs, codec, ByteView(packed).subspan(1), size, back));
      ASSERT_EQ(Bytes(back.begin() + 1, back.end()), plain) << codec_name(codec) << size;
      ASSERT_EQ(back[0], 8);
      if (codec != Codec::kNone && size > 1000) {
        EXPECT_LT(packed.size(), size * 3 / 4);
      }
    }
  }
}

TEST(Compression, EveryLevelIsTaken) {
  Codecs codecs;
  Bytes plain = some_text(8'000);
  for (Codec codec : {Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    for (int level : {-200'000, -5, -1, 1, 2, 3, 8, 9, 12, 17, 19, 30}) {
      Bytes packed;
      ASSERT_TRUE(compress(codecs, codec, {level, level, level}, plain, packed));
      Bytes back;
      ASSERT_TRUE(decompress(codecs, codec, packed, plain.size(), back));
      ASSERT_EQ(back, plain);
    }
  }
}

TEST(Compression, LevelsMatter) {
  Codecs codecs;
  Bytes plain = some_text(60'000);
  auto size = [&](Codec codec, int level) {
    Bytes packed;
    EXPECT_TRUE(compress(codecs, codec, {level, level, level}, plain, packed));
    return packed.size();
  };
  EXPECT_LT(size(Codec::kGzip, 9), size(Codec::kGzip, 1));
  EXPECT_LT(size(Codec::kZstd, 15), size(Codec::kZstd, -5));
  EXPECT_LT(size(Codec::kLz4, 12), size(Codec::kLz4, 9)) << "9, the default, is the fast mode";
}

TEST(Compression, TooMuchIsRefusedWithoutBeingMade) {
  Codecs codecs;
  Bytes zeros(16 << 20);
  for (Codec codec : kAllCodecs) {
    Bytes packed;
    ASSERT_TRUE(compress(codecs, codec, {}, zeros, packed));
    Bytes out;
    auto done = decompress(codecs, codec, packed, 1 << 20, out);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kTooLarge);
    EXPECT_TRUE(out.empty());
    if (codec != Codec::kNone) {
      EXPECT_LT(out.capacity(), size_t{5} << 20);
    }
  }
}

TEST(Compression, CutOffAtAnyLengthIsAnError) {
  Codecs codecs;
  Bytes plain = some_text(3'000);
  for (Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    Bytes packed;
    ASSERT_TRUE(compress(codecs, codec, {}, plain, packed));
    for (size_t size = 0; size < packed.size(); ++size) {
      // A snappy stream may end behind its header: there, nothing tells how many blocks follow.
      if (codec == Codec::kSnappy && size == 16) continue;
      Bytes out;
      auto done = decompress(codecs, codec, ByteView(packed).first(size), 10'000, out);
      ASSERT_FALSE(done) << codec_name(codec) << " " << size;
      EXPECT_EQ(done.error().code, Errc::kCorrupt);
    }
  }
}

TEST(Compression, AnObjectThatFailedWorksAgain) {
  Codecs codecs;
  Bytes plain = some_text(100'000);
  for (Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    Bytes packed;
    ASSERT_TRUE(compress(codecs, codec, {}, plain, packed));
    Bytes out;
    ASSERT_FALSE(
        decompress(codecs, codec, ByteView(packed).first(packed.size() / 2), 1 << 20, out));
    Encoder& encoder = codecs.encoder(codec, {});
    Bytes small;
    auto started = encoder.start(&small, 40);
    bool failed = !started || !encoder.write(plain) || !encoder.finish();
    EXPECT_TRUE(failed);
    EXPECT_LE(small.size(), 40u);
    out.clear();
    Bytes again;
    ASSERT_TRUE(compress(codecs, codec, {}, plain, again));
    EXPECT_EQ(again, packed);
    ASSERT_TRUE(decompress(codecs, codec, again, 1 << 20, out));
    EXPECT_EQ(out, plain);
  }
}

TEST(Compression, PlainPayloadDecompressesOnlyWhatIsCompressed) {
  Codecs codecs;
  Bytes scratch = {1, 2, 3};
  Bytes plain = sample_batch(codecs, {});
  ByteView payload = ByteView(plain).subspan(kHeaderSize);
  auto same = plain_payload(codecs, *parse_header(plain), payload, 1, scratch);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->data(), payload.data());

  Bytes packed = sample_batch(codecs, {.codec = Codec::kZstd});
  auto header = *parse_header(packed);
  auto unpacked =
      plain_payload(codecs, header, ByteView(packed).subspan(kHeaderSize), 10'000, scratch);
  ASSERT_TRUE(unpacked);
  EXPECT_TRUE(std::equal(unpacked->begin(), unpacked->end(), payload.begin(), payload.end()));
  header.attributes = 6;
  EXPECT_EQ(plain_payload(codecs, header, payload, 10'000, scratch).error().code, Errc::kCorrupt);
}

TEST(Compression, GzipMembersMayFollowEachOther) {
  Codecs codecs;
  Bytes packed;
  ASSERT_TRUE(compress(codecs, Codec::kGzip, {}, base::as_bytes("one "), packed));
  ASSERT_TRUE(compress(codecs, Codec::kGzip, {}, base::as_bytes("two"), packed));
  Bytes out;
  ASSERT_TRUE(decompress(codecs, Codec::kGzip, packed, 100, out));
  EXPECT_EQ(base::as_text(out), "one two");
}

TEST(Compression, SnappyStreamsMayFollowEachOther) {
  Codecs codecs;
  Bytes packed;
  ASSERT_TRUE(compress(codecs, Codec::kSnappy, {}, base::as_bytes("one "), packed));
  ASSERT_TRUE(compress(codecs, Codec::kSnappy, {}, base::as_bytes("two"), packed));
  Bytes out;
  ASSERT_TRUE(decompress(codecs, Codec::kSnappy, packed, 100, out));
  EXPECT_EQ(base::as_text(out), "one two");
}

TEST(Compression, ASnappyBlockCannotPromiseMoreThanItCouldHold) {
  Codecs codecs;
  const Bytes four_gigabytes = {0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00};
  Bytes out;
  auto done = decompress(codecs, Codec::kSnappy, four_gigabytes, SIZE_MAX, out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kCorrupt);

  // What the format allows at most has to pass.
  std::string zeros(1 << 20, '\0'), best;
  snappy::Compress(zeros.data(), zeros.size(), &best);
  ASSERT_TRUE(decompress(codecs, Codec::kSnappy, base::as_bytes(best), zeros.size(), out));
}

TEST(Compression, Lz4WithLinkedBlocksIsRefusedBecauseJavaCannotReadIt) {
  Codecs codecs;
  Bytes plain = some_text(200'000);
  LZ4F_preferences_t linked = LZ4F_INIT_PREFERENCES;
  linked.frameInfo.blockMode = LZ4F_blockLinked;
  Bytes packed(LZ4F_compressFrameBound(plain.size(), &linked));
  packed.resize(
      LZ4F_compressFrame(packed.data(), packed.size(), plain.data(), plain.size(), &linked));
  Bytes out;
  auto done = decompress(codecs, Codec::kLz4, packed, 1 << 20, out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace longhaul::records
