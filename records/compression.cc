#include "records/compression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "records/codec.h"

namespace longhaul::records {

using base::Errc;

namespace {

class NoneDecoder final : public Decoder {
 public:
  void start(ByteView bytes) override { rest_ = bytes; }
  base::Result<size_t> read(std::span<uint8_t> out) override {
    size_t size = std::min(out.size(), rest_.size());
    std::copy_n(rest_.begin(), size, out.begin());
    rest_ = rest_.subspan(size);
    return size;
  }

 private:
  ByteView rest_;
};

class NoneEncoder final : public Encoder {
 public:
  base::Result<void> start(Bytes* out, size_t max_size) override {
    out_ = BoundedOutput(out, max_size);
    return {};
  }
  base::Result<void> write(ByteView plain) override { return out_.append(plain); }
  base::Result<void> finish() override { return {}; }

 private:
  BoundedOutput out_;
};

/// The object behind `pointer`, made if it is not there yet.
template <class T, class Make>
T& made(std::unique_ptr<T>& pointer, Make make) {
  if (!pointer) pointer = make();
  return *pointer;
}

LeveledEncoder& with_level(LeveledEncoder& encoder, int level) {
  encoder.set_level(level);
  return encoder;
}

}  // namespace

struct Codecs::Contexts {
  NoneDecoder none_decoder;
  NoneEncoder none_encoder;
  std::unique_ptr<Decoder> gzip_decoder, snappy_decoder, lz4_decoder, zstd_decoder;
  std::unique_ptr<Encoder> snappy_encoder;
  std::unique_ptr<LeveledEncoder> gzip_encoder, lz4_encoder, zstd_encoder;
};

base::Result<void> BoundedOutput::too_large() const {
  return base::fail(Errc::kTooLarge, fmt::format("more than {} bytes compressed", max_size_));
}

std::string_view codec_name(Codec codec) {
  static constexpr std::string_view kNames[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  return kNames[static_cast<size_t>(codec)];
}

Codecs::Codecs() : contexts_(std::make_unique<Contexts>()) {}
Codecs::~Codecs() = default;

Decoder& Codecs::decoder(Codec codec) {
  Contexts& all = *contexts_;
  switch (codec) {
    case Codec::kNone:
      return all.none_decoder;
    case Codec::kGzip:
      return made(all.gzip_decoder, make_gzip_decoder);
    case Codec::kSnappy:
      return made(all.snappy_decoder, make_snappy_decoder);
    case Codec::kLz4:
      return made(all.lz4_decoder, make_lz4_decoder);
    case Codec::kZstd:
      return made(all.zstd_decoder, make_zstd_decoder);
  }
  LH_ASSERT(false, "not a codec");
}

Encoder& Codecs::encoder(Codec codec, const CompressionLevels& levels) {
  Contexts& all = *contexts_;
  switch (codec) {
    case Codec::kNone:
      return all.none_encoder;
    case Codec::kGzip:
      return with_level(made(all.gzip_encoder, make_gzip_encoder), levels.gzip);
    case Codec::kSnappy:
      return made(all.snappy_encoder, make_snappy_encoder);
    case Codec::kLz4:
      return with_level(made(all.lz4_encoder, make_lz4_encoder), levels.lz4);
    case Codec::kZstd:
      return with_level(made(all.zstd_encoder, make_zstd_encoder), levels.zstd);
  }
  LH_ASSERT(false, "not a codec");
}

base::Result<void> decompress(Codecs& codecs, Codec codec, ByteView compressed, size_t limit,
                              Bytes& out) {
  constexpr size_t kLeastPiece = 4096;
  size_t begin = out.size();
  size_t used = begin;
  Decoder& decoder = codecs.decoder(codec);
  decoder.start(compressed);
  while (true) {
    // One byte more than the limit, so that too much is seen as such.
    size_t room = limit - (used - begin) + (limit == SIZE_MAX ? 0 : 1);
    size_t piece = std::min(room, std::max({kLeastPiece, compressed.size(), used - begin}));
    out.resize(used + piece);
    auto got = decoder.read(std::span(out).subspan(used));
    used += got.value_or(0);
    if (!got || *got == 0) {
      out.resize(used);
      if (!got) return tl::unexpected(std::move(got).error());
      return {};
    }
    if (used - begin > limit) {
      out.resize(begin);
      return base::fail(Errc::kTooLarge, fmt::format("{} bytes of {} decompress to more than {}",
                                                     compressed.size(), codec_name(codec), limit));
    }
  }
}

base::Result<ByteView> plain_payload(Codecs& codecs, const BatchHeader& header, ByteView payload,
                                     size_t limit, Bytes& scratch) {
  if (!header.is_compressed()) return payload;
  auto codec = header.codec();
  if (!codec) {
    return base::fail(Errc::kCorrupt, fmt::format("there is no compression type {}",
                                                  header.attributes & kCodecMask));
  }
  scratch.clear();
  LH_TRY(decompress(codecs, *codec, payload, limit, scratch));
  return ByteView(scratch);
}

base::Result<void> compress(Codecs& codecs, Codec codec, const CompressionLevels& levels,
                            ByteView plain, Bytes& out) {
  Encoder& encoder = codecs.encoder(codec, levels);
  LH_TRY(encoder.start(&out, SIZE_MAX));
  LH_TRY(encoder.write(plain));
  return encoder.finish();
}

}  // namespace longhaul::records
