// The buffer that messages are encoded into, with places where file ranges go.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace longhaul::protocol {

/// `size` bytes from elsewhere (a segment file) belong before the byte at `position` of the
/// encoder's buffer. Splices come in the order of their positions.
struct Splice {
  size_t position = 0;
  uint64_t size = 0;
  bool operator==(const Splice&) const = default;
};

/// Appends encoded messages to a buffer that it owns; what is spliced in between is only counted.
class Encoder {
 public:
  Encoder() = default;
  /// Reuses the capacity of `buffer`; its content is dropped.
  explicit Encoder(base::Bytes buffer) : bytes_(std::move(buffer)) { bytes_.clear(); }

  /// Bytes in the buffer, without what is spliced in.
  size_t size() const { return bytes_.size(); }
  base::ByteView view() const { return bytes_; }
  /// Bytes on the wire: those of the buffer and those spliced in.
  uint64_t total_size() const { return bytes_.size() + spliced_size_; }
  const std::vector<Splice>& splices() const { return splices_; }

  /// Appends `size` zero bytes and returns where they are, valid until the next change.
  uint8_t* extend(size_t size) {
    bytes_.resize(bytes_.size() + size);
    return bytes_.data() + bytes_.size() - size;
  }
  /// Notes that `size` bytes follow the first `position` bytes of the buffer. Positions never
  /// go back.
  void splice(size_t position, uint64_t size) {
    splices_.push_back({position, size});
    spliced_size_ += size;
  }
  /// Cuts the buffer back to `size` bytes, and forgets `splices` past the first `splice_count`.
  void truncate(size_t size, size_t splice_count);
  /// Overwrites what was written at `at` before, for lengths known only afterwards.
  void patch_int32(size_t at, int32_t value) { base::store_big_endian(bytes_.data() + at, value); }

  /// Give away what was gathered.
  base::Bytes take() { return std::move(bytes_); }
  std::vector<Splice> take_splices() { return std::move(splices_); }

 private:
  base::Bytes bytes_;
  std::vector<Splice> splices_;
  uint64_t spliced_size_ = 0;
};

}  // namespace longhaul::protocol
