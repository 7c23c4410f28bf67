#include "base/bytes.h"

#include <bit>

namespace longhaul::base {

double Reader::float64() { return std::bit_cast<double>(int64()); }

uint32_t Reader::unsigned_varint() {
  uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    uint8_t byte = uint8();
    if (shift == 28 && (byte & 0xf0) != 0) break;  // a sixth byte, or bits above the 32nd
    value |= static_cast<uint32_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  fail();
  return 0;
}

uint64_t Reader::unsigned_varlong() {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    uint8_t byte = uint8();
    if (shift == 63 && (byte & 0xfe) != 0) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  fail();
  return 0;
}

int32_t Reader::varint() {
  uint32_t raw = unsigned_varint();
  return static_cast<int32_t>(raw >> 1) ^ -static_cast<int32_t>(raw & 1);
}

int64_t Reader::varlong() {
  uint64_t raw = unsigned_varlong();
  return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
}

ByteView Reader::view(size_t size) {
  if (size > remaining()) {
    fail();
    return {};
  }
  ByteView result{at_, size};
  at_ += size;
  return result;
}

void Writer::float64(double value) { int64(std::bit_cast<int64_t>(value)); }

void Writer::unsigned_varlong(uint64_t value) {
  while (value >= 0x80) {
    bytes_.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  bytes_.push_back(static_cast<uint8_t>(value));
}

void Writer::varlong(int64_t value) {
  unsigned_varlong((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}

size_t unsigned_varlong_size(uint64_t value) {
  return static_cast<size_t>((70 - std::countl_zero(value | 1)) / 7);
}

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace longhaul::base
