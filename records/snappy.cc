// Snappy in its two framings. One raw block is what librdkafka and others write; the "xerial"
// stream (named after the Java library) is a header and then blocks with their lengths. Readers
// take both; we write the stream, because Java's old readers take nothing else.
#include <fmt/format.h>
#include <snappy.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "records/codec.h"

namespace longhaul::records {

using base::Errc;
using base::load_big_endian;
using base::store_big_endian;

namespace {

// 0x82 "SNAPPY" 0, version 1, compatible with version 1. Readers do not look at the versions.
constexpr std::array<uint8_t, 16> kStreamHeader = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                                   0,    0,   0,   1,   0,   0,   0,   1};
constexpr size_t kMagicSize = 8;
constexpr size_t kBlockSize = 32 * 1024;  // of plain bytes; what the Java library uses
/// A copy takes at least three bytes and gives at most 64: no block can promise more than this
/// factor (and a little for blocks that are almost empty).
constexpr size_t kMostExpansion = 22;

bool begins_with_magic(ByteView bytes) {
  return bytes.size() >= kMagicSize &&
         std::memcmp(bytes.data(), kStreamHeader.data(), kMagicSize) == 0;
}

class SnappyDecoder final : public Decoder {
 public:
  void start(ByteView compressed) override {
    rest_ = compressed;
    raw_ = !begins_with_magic(compressed);
    plain_.clear();
    given_ = 0;
  }

  base::Result<size_t> read(std::span<uint8_t> out) override {
    while (given_ == plain_.size()) {
      if (rest_.empty() && !raw_) return 0;
      LH_TRY(next_block());
    }
    size_t size = std::min(out.size(), plain_.size() - given_);
    std::memcpy(out.data(), plain_.data() + given_, size);
    given_ += size;
    return size;
  }

 private:
  base::Result<void> next_block() {
    if (raw_) {
      ByteView block = rest_;
      rest_ = {};
      raw_ = false;
      return uncompress(block);
    }
    if (begins_with_magic(rest_)) {  // also between blocks: streams may be concatenated
      if (rest_.size() < kStreamHeader.size()) return cut_off();
      rest_ = rest_.subspan(kStreamHeader.size());
      plain_.clear();
      given_ = 0;
      return {};
    }
    if (rest_.size() < 4) return cut_off();
    uint32_t size = load_big_endian<uint32_t>(rest_.data());
    if (size > rest_.size() - 4) return cut_off();
    ByteView block = rest_.subspan(4, size);
    rest_ = rest_.subspan(4 + size);
    return uncompress(block);
  }

  base::Result<void> uncompress(ByteView block) {
    const char* data = reinterpret_cast<const char*>(block.data());
    size_t size = 0;
    if (!snappy::GetUncompressedLength(data, block.size(), &size) ||
        size > block.size() * kMostExpansion) {
      return malformed();
    }
    given_ = 0;
    plain_.resize(size);
    if (!snappy::RawUncompress(data, block.size(), reinterpret_cast<char*>(plain_.data()))) {
      plain_.clear();
      return malformed();
    }
    return {};
  }

  static tl::unexpected<base::Error> cut_off() {
    return base::fail(Errc::kCorrupt, "the snappy stream is cut off");
  }
  static tl::unexpected<base::Error> malformed() {
    return base::fail(Errc::kCorrupt, "a snappy block is malformed");
  }

  ByteView rest_;
  bool raw_ = false;  // the one raw block is still to come
  Bytes plain_;       // of the current block
  size_t given_ = 0;
};

class SnappyEncoder final : public Encoder {
 public:
  base::Result<void> start(Bytes* out, size_t max_size) override {
    out_ = BoundedOutput(out, max_size);
    block_.clear();
    return out_.append(kStreamHeader);
  }

  base::Result<void> write(ByteView plain) override {
    while (!plain.empty()) {
      size_t size = std::min(plain.size(), kBlockSize - block_.size());
      block_.insert(block_.end(), plain.begin(), plain.begin() + static_cast<ptrdiff_t>(size));
      plain = plain.subspan(size);
      if (block_.size() == kBlockSize) LH_TRY(flush());
    }
    return {};
  }

  base::Result<void> finish() override { return block_.empty() ? base::Result<void>() : flush(); }

 private:
  base::Result<void> flush() {
    compressed_.resize(4 + snappy::MaxCompressedLength(block_.size()));
    size_t size = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(block_.data()), block_.size(),
                        reinterpret_cast<char*>(compressed_.data() + 4), &size);
    store_big_endian(compressed_.data(), static_cast<uint32_t>(size));
    block_.clear();
    return out_.append({compressed_.data(), 4 + size});
  }

  BoundedOutput out_;
  Bytes block_;
  Bytes compressed_;
};

}  // namespace

std::unique_ptr<Decoder> make_snappy_decoder() { return std::make_unique<SnappyDecoder>(); }
std::unique_ptr<Encoder> make_snappy_encoder() { return std::make_unique<SnappyEncoder>(); }

}  // namespace longhaul::records
