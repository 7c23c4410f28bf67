// Inside of records/: one file per codec makes these.
#pragma once

#include <algorithm>
#include <memory>

#include "records/compression.h"

namespace longhaul::records {

/// Where an encoder puts its output: a buffer that may grow up to a bound.
class BoundedOutput {
 public:
  BoundedOutput() = default;
  BoundedOutput(Bytes* out, size_t max_size) : out_(out), max_size_(max_size) {}

  base::Result<void> append(ByteView bytes) {
    if (bytes.size() > max_size_ - std::min(max_size_, out_->size())) return too_large();
    out_->insert(out_->end(), bytes.begin(), bytes.end());
    return {};
  }

 private:
  base::Result<void> too_large() const;

  Bytes* out_ = nullptr;
  size_t max_size_ = 0;
};

/// An encoder whose level can differ from one use to the next.
class LeveledEncoder : public Encoder {
 public:
  /// Takes effect at the next start().
  void set_level(int level) { level_ = level; }

 protected:
  int level_ = 0;
};

std::unique_ptr<Decoder> make_gzip_decoder();
std::unique_ptr<LeveledEncoder> make_gzip_encoder();
std::unique_ptr<Decoder> make_snappy_decoder();
std::unique_ptr<Encoder> make_snappy_encoder();
std::unique_ptr<Decoder> make_lz4_decoder();
std::unique_ptr<LeveledEncoder> make_lz4_encoder();
std::unique_ptr<Decoder> make_zstd_decoder();
std::unique_ptr<LeveledEncoder> make_zstd_encoder();

}  // namespace longhaul::records
