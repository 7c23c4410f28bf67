// Bytes and cursors over them. All integers are big-endian, as on Kafka's wire and disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longhaul::base {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Loads and stores of big-endian integers at any alignment.
template <class T>
T load_big_endian(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8)
    return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  return value;
}
template <class T>
void store_big_endian(uint8_t* at, T value) {
  if constexpr (sizeof(T) == 2)
    value = static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(T) == 4)
    value = static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(T) == 8)
    value = static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  std::memcpy(at, &value, sizeof(T));
}

/// Reads from a view it does not own. The first read past the end, or of a malformed varint, makes
/// the reader fail for good: it then returns zeros and empty views, and `ok()` is false. Callers
/// check once at the end, and wherever a value read bounds a loop or an allocation.
class Reader {
 public:
  explicit Reader(ByteView bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return !failed_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  ByteView rest() const { return {at_, end_}; }
  /// Makes the reader fail, for a check that only the caller can make.
  void fail() {
    failed_ = true;
    at_ = end_;
  }

  int8_t int8() { return fixed<int8_t>(); }
  uint8_t uint8() { return fixed<uint8_t>(); }
  int16_t int16() { return fixed<int16_t>(); }
  uint16_t uint16() { return fixed<uint16_t>(); }
  int32_t int32() { return fixed<int32_t>(); }
  uint32_t uint32() { return fixed<uint32_t>(); }
  int64_t int64() { return fixed<int64_t>(); }
  double float64();

  /// Base-128 varint of at most 5 (32-bit) or 10 (64-bit) bytes, as in Kafka's record format.
  uint32_t unsigned_varint();
  uint64_t unsigned_varlong();
  /// The zigzag forms of the same.
  int32_t varint();
  int64_t varlong();

  /// The next `size` bytes, not copied; fails when there are fewer.
  ByteView view(size_t size);
  void skip(size_t size) { view(size); }

 private:
  template <class T>
  T fixed() {
    if (remaining() < sizeof(T)) {
      fail();
      return 0;
    }
    T value = load_big_endian<T>(at_);
    at_ += sizeof(T);
    return value;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

/// Appends to a buffer that it owns. Never fails (running out of memory ends the process).
class Writer {
 public:
  Writer() = default;
  explicit Writer(size_t reserve) { bytes_.reserve(reserve); }

  void int8(int8_t value) { fixed(value); }
  void uint8(uint8_t value) { fixed(value); }
  void int16(int16_t value) { fixed(value); }
  void uint16(uint16_t value) { fixed(value); }
  void int32(int32_t value) { fixed(value); }
  void uint32(uint32_t value) { fixed(value); }
  void int64(int64_t value) { fixed(value); }
  void float64(double value);
  void unsigned_varint(uint32_t value) { unsigned_varlong(value); }
  void unsigned_varlong(uint64_t value);
  void varint(int32_t value) { varlong(value); }
  void varlong(int64_t value);
  void bytes(ByteView view) { bytes_.insert(bytes_.end(), view.begin(), view.end()); }

  size_t size() const { return bytes_.size(); }
  ByteView view() const { return bytes_; }
  /// Overwrites what was written at `at` before, for lengths known only afterwards.
  void patch_int32(size_t at, int32_t value) { store_big_endian(bytes_.data() + at, value); }
  Bytes take() { return std::move(bytes_); }

 private:
  template <class T>
  void fixed(T value) {
    size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    store_big_endian(bytes_.data() + at, value);
  }

  Bytes bytes_;
};

/// Encoded sizes of varints, for computing a size before writing.
size_t unsigned_varlong_size(uint64_t value);
inline size_t varlong_size(int64_t value) {
  return unsigned_varlong_size((static_cast<uint64_t>(value) << 1) ^
                               static_cast<uint64_t>(value >> 63));
}

std::string to_hex(ByteView bytes);

}  // namespace longhaul::base
