// Zstandard frames (RFC 8878), one or several.
#include <zstd.h>

#include <algorithm>

#include "base/assert.h"
#include "records/codec.h"

namespace longhaul::records {

using base::Errc;

namespace {

/// Contexts that have grown beyond this are not kept for the next batch.
constexpr size_t kContextToKeep = 16 * 1024 * 1024;

class ZstdDecoder final : public Decoder {
 public:
  ~ZstdDecoder() override { ZSTD_freeDCtx(context_); }

  void start(ByteView compressed) override {
    if (context_ != nullptr && ZSTD_sizeof_DCtx(context_) > kContextToKeep) {
      ZSTD_freeDCtx(context_);
      context_ = nullptr;
    }
    if (context_ == nullptr) context_ = ZSTD_createDCtx();
    LH_ASSERT(context_ != nullptr, "Zstandard without memory");
    ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    input_ = {compressed.data(), compressed.size(), 0};
    in_frame_ = true;  // empty input is cut off, not empty
  }

  base::Result<size_t> read(std::span<uint8_t> out) override {
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos == 0) {
      if (!in_frame_ && input_.pos == input_.size) return 0;
      size_t before = input_.pos;
      size_t code = ZSTD_decompressStream(context_, &output, &input_);
      if (ZSTD_isError(code)) {
        return base::fail(Errc::kCorrupt, "the zstd frame is malformed");
      }
      in_frame_ = code != 0;
      if (in_frame_ && output.pos == 0 && input_.pos == before) {
        return base::fail(Errc::kCorrupt, "the zstd frame is cut off");
      }
    }
    return output.pos;
  }

 private:
  ZSTD_DCtx* context_ = nullptr;
  ZSTD_inBuffer input_{};
  bool in_frame_ = false;
};

class ZstdEncoder final : public LeveledEncoder {
 public:
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  base::Result<void> start(Bytes* out, size_t max_size) override {
    if (context_ != nullptr && ZSTD_sizeof_CCtx(context_) > kContextToKeep) {
      ZSTD_freeCCtx(context_);
      context_ = nullptr;
    }
    if (context_ == nullptr) context_ = ZSTD_createCCtx();
    LH_ASSERT(context_ != nullptr, "Zstandard without memory");
    ZSTD_CCtx_reset(context_, ZSTD_reset_session_only);
    int level = std::clamp(level_, ZSTD_minCLevel(), ZSTD_maxCLevel());
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    out_ = BoundedOutput(out, max_size);
    piece_.resize(ZSTD_CStreamOutSize());
    return {};
  }

  base::Result<void> write(ByteView plain) override {
    ZSTD_inBuffer input{plain.data(), plain.size(), 0};
    while (input.pos != input.size) LH_TRY(step(input, ZSTD_e_continue));
    return {};
  }

  base::Result<void> finish() override {
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    do {
      LH_TRY(step(nothing, ZSTD_e_end));
    } while (left_inside_ != 0);
    return {};
  }

 private:
  base::Result<void> step(ZSTD_inBuffer& input, ZSTD_EndDirective directive) {
    ZSTD_outBuffer output{piece_.data(), piece_.size(), 0};
    left_inside_ = ZSTD_compressStream2(context_, &output, &input, directive);
    if (ZSTD_isError(left_inside_)) {
      return base::fail(Errc::kNoSpace, ZSTD_getErrorName(left_inside_));
    }
    return out_.append({piece_.data(), output.pos});
  }

  ZSTD_CCtx* context_ = nullptr;
  size_t left_inside_ = 0;
  BoundedOutput out_;
  Bytes piece_;
};

}  // namespace

std::unique_ptr<Decoder> make_zstd_decoder() { return std::make_unique<ZstdDecoder>(); }
std::unique_ptr<LeveledEncoder> make_zstd_encoder() { return std::make_unique<ZstdEncoder>(); }

}  // namespace longhaul::records
