// The five codecs of record batches, in the framings that Kafka's clients read and write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "records/batch.h"

namespace longhaul::records {

/// "none", "gzip", "snappy", "lz4", "zstd".
std::string_view codec_name(Codec codec);

/// The topic options compression.gzip.level (1 ... 9, or -1 for zlib's own default),
/// compression.lz4.level (1 ... 17; 9, the default, is LZ4's fast mode, as in Kafka: KIP-390) and
/// compression.zstd.level (up to 22; the lower the faster). Values beyond are brought into range.
struct CompressionLevels {
  int gzip = -1;
  int lz4 = 9;
  int zstd = 3;
};

/// Takes compressed bytes and gives out plain ones, piece by piece.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Begins anew with other input, which must stay where it is until the last read.
  virtual void start(ByteView compressed) = 0;
  /// Fills at least one byte of `out`; 0 at the end of the input. kCorrupt if it is malformed or
  /// cut off. `out` is not empty.
  virtual base::Result<size_t> read(std::span<uint8_t> out) = 0;
};

/// Takes plain bytes, piece by piece, and appends compressed ones to a buffer.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Begins anew, to append to `out`. Fails with kTooLarge as soon as `out` would have more than
  /// `max_size` bytes.
  virtual base::Result<void> start(Bytes* out, size_t max_size) = 0;
  virtual base::Result<void> write(ByteView plain) = 0;
  virtual base::Result<void> finish() = 0;
};

/// The codecs with their contexts and buffers, which are expensive to make and are made when first
/// needed: keep one object per thread. Not thread-safe; one decoder and one encoder of a codec can
/// be in use at a time.
class Codecs {
 public:
  Codecs();
  ~Codecs();
  Codecs(const Codecs&) = delete;
  Codecs& operator=(const Codecs&) = delete;

  /// `start` still has to be called.
  Decoder& decoder(Codec codec);
  Encoder& encoder(Codec codec, const CompressionLevels& levels);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

/// Appends the plain bytes to `out`. kCorrupt if malformed, kTooLarge as soon as there would be
/// more than `limit` of them; the memory used grows with what comes out, not with what a header
/// promises.
base::Result<void> decompress(Codecs& codecs, Codec codec, ByteView compressed, size_t limit,
                              Bytes& out);

/// The records of a batch as they can be read: `payload` itself, or, if the header says that it is
/// compressed, what it decompresses to, in `scratch` (whatever stood there is gone). kCorrupt also
/// for a codec that does not exist.
base::Result<ByteView> plain_payload(Codecs& codecs, const BatchHeader& header, ByteView payload,
                                     size_t limit, Bytes& scratch);

/// Appends the compressed bytes to `out`, in one piece.
base::Result<void> compress(Codecs& codecs, Codec codec, const CompressionLevels& levels,
                            ByteView plain, Bytes& out);

}  // namespace longhaul::records
