// CRC-32C (Castagnoli), the checksum of Kafka's record batches.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace longhaul::base {

/// The checksum of `bytes` appended to data whose checksum is `crc` (0 for no data yet). Uses the
/// processor's CRC instruction where there is one, tables otherwise.
uint32_t crc32c_extend(uint32_t crc, ByteView bytes);

inline uint32_t crc32c(ByteView bytes) { return crc32c_extend(0, bytes); }

/// How a difference in checksums travels: if two byte strings of one length have checksums a and
/// b, and both are followed by the same `size` bytes, the whole strings' checksums differ by
/// `crc32c_shift(a ^ b, size)`. Lets a changed header be folded into the checksum of a long batch
/// without reading the batch. Takes time logarithmic in `size`.
uint32_t crc32c_shift(uint32_t difference, uint64_t size);

/// The two implementations behind `crc32c_extend`, for tests that hold them against each other.
/// `crc32c_extend_hardware` may be called only where `crc32c_has_hardware()`.
uint32_t crc32c_extend_tables(uint32_t crc, ByteView bytes);
uint32_t crc32c_extend_hardware(uint32_t crc, ByteView bytes);
bool crc32c_has_hardware();

}  // namespace longhaul::base
