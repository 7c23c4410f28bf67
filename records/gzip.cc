// gzip (RFC 1952): one member, or several one after another, as GZIPInputStream reads them.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/assert.h"
#include "records/codec.h"

namespace longhaul::records {

using base::Errc;

namespace {

constexpr int kGzipOnly = MAX_WBITS + 16;  // zlib's way of saying: with gzip's header and trailer

class GzipDecoder final : public Decoder {
 public:
  ~GzipDecoder() override {
    if (made_) inflateEnd(&stream_);
  }

  void start(ByteView compressed) override {
    if (made_) {
      inflateReset(&stream_);
    } else {
      LH_ASSERT(inflateInit2(&stream_, kGzipOnly) == Z_OK, "zlib without memory");
      made_ = true;
    }
    rest_ = compressed;
    at_start_ = false;  // empty input is cut off, not empty
  }

  base::Result<size_t> read(std::span<uint8_t> out) override {
    constexpr size_t kMost = std::numeric_limits<uInt>::max();
    stream_.next_out = out.data();
    size_t room = std::min(out.size(), kMost);
    stream_.avail_out = static_cast<uInt>(room);
    while (stream_.avail_out == room) {
      if (at_start_ && rest_.empty()) return 0;
      stream_.next_in = const_cast<Bytef*>(rest_.data());
      stream_.avail_in = static_cast<uInt>(std::min(rest_.size(), kMost));
      int code = inflate(&stream_, Z_NO_FLUSH);
      rest_ = rest_.subspan(static_cast<size_t>(stream_.next_in - rest_.data()));
      if (code == Z_STREAM_END) {
        inflateReset(&stream_);
        at_start_ = true;
      } else if (code == Z_OK) {
        at_start_ = false;
      } else {
        return base::fail(Errc::kCorrupt, code == Z_BUF_ERROR ? "the gzip stream is cut off"
                                                              : "the gzip stream is malformed");
      }
    }
    return room - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  bool made_ = false;
  bool at_start_ = false;  // between members
  ByteView rest_;
};

class GzipEncoder final : public LeveledEncoder {
 public:
  ~GzipEncoder() override {
    if (made_) deflateEnd(&stream_);
  }

  base::Result<void> start(Bytes* out, size_t max_size) override {
    out_ = BoundedOutput(out, max_size);
    int level = std::clamp(level_, -1, 9);
    if (made_ && level == made_level_) {
      deflateReset(&stream_);
      return {};
    }
    if (made_) deflateEnd(&stream_);
    made_ = deflateInit2(&stream_, level, Z_DEFLATED, kGzipOnly, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    LH_ASSERT(made_, "zlib without memory");
    made_level_ = level;
    return {};
  }

  base::Result<void> write(ByteView plain) override {
    while (!plain.empty()) {
      size_t size = std::min<size_t>(plain.size(), std::numeric_limits<uInt>::max());
      stream_.next_in = const_cast<Bytef*>(plain.data());
      stream_.avail_in = static_cast<uInt>(size);
      LH_TRY(drain(Z_NO_FLUSH));
      plain = plain.subspan(size);
    }
    return {};
  }

  base::Result<void> finish() override {
    stream_.next_in = nullptr;
    stream_.avail_in = 0;
    return drain(Z_FINISH);
  }

 private:
  base::Result<void> drain(int flush) {
    do {
      stream_.next_out = piece_.data();
      stream_.avail_out = static_cast<uInt>(piece_.size());
      deflate(&stream_, flush);
      LH_TRY(out_.append({piece_.data(), piece_.size() - stream_.avail_out}));
    } while (stream_.avail_out == 0);
    return {};
  }

  z_stream stream_{};
  bool made_ = false;
  int made_level_ = 0;
  BoundedOutput out_;
  std::array<uint8_t, 16384> piece_;
};

}  // namespace

std::unique_ptr<Decoder> make_gzip_decoder() { return std::make_unique<GzipDecoder>(); }
std::unique_ptr<LeveledEncoder> make_gzip_encoder() { return std::make_unique<GzipEncoder>(); }

}  // namespace longhaul::records
