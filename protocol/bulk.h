// Fields that carry record batches: seen, never copied.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace longhaul::protocol {

/// The schema's type `records`. Decoded: a view into the frame that was decoded, valid as long as
/// the frame. To encode: bytes that live until the encoding is done, and after them `spliced_size`
/// bytes which the encoder only counts and the network layer sends from elsewhere (`Splice`).
struct Records {
  base::ByteView bytes;
  uint64_t spliced_size = 0;

  uint64_t size() const { return bytes.size() + spliced_size; }
  bool operator==(const Records& other) const {
    return spliced_size == other.spliced_size && std::ranges::equal(bytes, other.bytes);
  }
};

}  // namespace longhaul::protocol
