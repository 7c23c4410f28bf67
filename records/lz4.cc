// LZ4 frames as Kafka's clients write them: independent blocks of 64 KiB, no content checksum.
#include <lz4frame.h>

#include <algorithm>

#include "base/assert.h"
#include "records/codec.h"

namespace longhaul::records {

using base::Errc;

namespace {

constexpr size_t kFlagsAt = 4;  // behind the frame's magic number
constexpr uint8_t kIndependentBlocksBit = 0x20;
constexpr uint8_t kDictionaryBit = 0x01;

class Lz4Decoder final : public Decoder {
 public:
  ~Lz4Decoder() override { LZ4F_freeDecompressionContext(context_); }

  void start(ByteView compressed) override {
    if (context_ == nullptr) {
      LH_ASSERT(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION) == 0,
                "LZ4 without memory");
    }
    LZ4F_resetDecompressionContext(context_);
    rest_ = compressed;
    finished_ = false;
    // Java's reader refuses linked blocks and dictionaries, so a batch with them must not get in.
    readable_ =
        compressed.size() <= kFlagsAt || ((compressed[kFlagsAt] & kIndependentBlocksBit) != 0 &&
                                          (compressed[kFlagsAt] & kDictionaryBit) == 0);
  }

  base::Result<size_t> read(std::span<uint8_t> out) override {
    if (!readable_) {
      return base::fail(Errc::kCorrupt, "an LZ4 frame with linked blocks or a dictionary");
    }
    while (!finished_) {
      size_t produced = out.size();
      size_t consumed = rest_.size();
      size_t code =
          LZ4F_decompress(context_, out.data(), &produced, rest_.data(), &consumed, nullptr);
      if (LZ4F_isError(code)) {
        return base::fail(Errc::kCorrupt, "the LZ4 frame is malformed");
      }
      rest_ = rest_.subspan(consumed);
      finished_ = code == 0;
      if (produced != 0) return produced;
      if (!finished_ && consumed == 0) {
        return base::fail(Errc::kCorrupt, "the LZ4 frame is cut off");
      }
    }
    if (!rest_.empty()) return base::fail(Errc::kCorrupt, "bytes behind the LZ4 frame");
    return 0;
  }

 private:
  LZ4F_dctx* context_ = nullptr;
  ByteView rest_;
  bool finished_ = false;
  bool readable_ = true;
};

class Lz4Encoder final : public LeveledEncoder {
 public:
  ~Lz4Encoder() override { LZ4F_freeCompressionContext(context_); }

  base::Result<void> start(Bytes* out, size_t max_size) override {
    if (context_ == nullptr) {
      LH_ASSERT(LZ4F_createCompressionContext(&context_, LZ4F_VERSION) == 0, "LZ4 without memory");
    }
    out_ = BoundedOutput(out, max_size);
    preferences_ = LZ4F_INIT_PREFERENCES;
    preferences_.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences_.frameInfo.blockMode = LZ4F_blockIndependent;
    // Kafka's default, 9, means the fast mode; every other level LZ4's high-compression one.
    preferences_.compressionLevel = level_ == kDefaultLevel ? 0 : std::clamp(level_, 1, 12);
    piece_.resize(LZ4F_compressBound(kPlainPiece, &preferences_));
    return append(LZ4F_compressBegin(context_, piece_.data(), piece_.size(), &preferences_));
  }

  base::Result<void> write(ByteView plain) override {
    while (!plain.empty()) {
      size_t size = std::min(plain.size(), kPlainPiece);
      LH_TRY(append(LZ4F_compressUpdate(context_, piece_.data(), piece_.size(), plain.data(), size,
                                        nullptr)));
      plain = plain.subspan(size);
    }
    return {};
  }

  base::Result<void> finish() override {
    return append(LZ4F_compressEnd(context_, piece_.data(), piece_.size(), nullptr));
  }

 private:
  static constexpr int kDefaultLevel = 9;
  static constexpr size_t kPlainPiece = 64 * 1024;

  base::Result<void> append(size_t size) {
    LH_ASSERT(!LZ4F_isError(size), "LZ4 failed although its output has room");
    return out_.append({piece_.data(), size});
  }

  LZ4F_cctx* context_ = nullptr;
  LZ4F_preferences_t preferences_{};
  BoundedOutput out_;
  Bytes piece_;
};

}  // namespace

std::unique_ptr<Decoder> make_lz4_decoder() { return std::make_unique<Lz4Decoder>(); }
std::unique_ptr<LeveledEncoder> make_lz4_encoder() { return std::make_unique<Lz4Encoder>(); }

}  // namespace longhaul::records
