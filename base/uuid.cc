#include "base/uuid.h"

#include <algorithm>

#include "base/assert.h"

namespace longhaul::base {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kTextSize = 22;

}  // namespace

Uuid Uuid::from_bytes(ByteView view) {
  LH_ASSERT(view.size() == 16, "a UUID has 16 bytes");
  Uuid id;
  std::copy(view.begin(), view.end(), id.bytes.begin());
  return id;
}

Uuid Uuid::random(Random& random) {
  for (;;) {
    Uuid id;
    store_big_endian(id.bytes.data(), random.next());
    store_big_endian(id.bytes.data() + 8, random.next());
    id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    if (id.to_string()[0] != '-') return id;
  }
}

Result<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextSize) {
    return fail(Errc::kInvalidArgument, "'" + std::string(text.substr(0, 64)) +
                                            "' is not a UUID: 22 characters of base64 expected");
  }
  Uuid id;
  uint32_t bits = 0;
  int held = 0;
  size_t out = 0;
  for (char c : text) {
    size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) {
      return fail(Errc::kInvalidArgument,
                  "'" + std::string(text) + "' is not a UUID: not URL-safe base64");
    }
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    held += 6;
    if (held >= 8 && out < 16) {
      held -= 8;
      id.bytes[out++] = static_cast<uint8_t>(bits >> held);
    }
  }
  return id;
}

std::string Uuid::to_string() const {
  std::string text;
  text.reserve(kTextSize);
  uint32_t bits = 0;
  int held = 0;
  for (uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    held += 8;
    while (held >= 6) {
      held -= 6;
      text += kAlphabet[(bits >> held) & 63];
    }
  }
  text += kAlphabet[(bits << (6 - held)) & 63];
  return text;
}

}  // namespace longhaul::base

size_t std::hash<longhaul::base::Uuid>::operator()(const longhaul::base::Uuid& id) const noexcept {
  return static_cast<size_t>(
      longhaul::base::load_big_endian<uint64_t>(id.bytes.data()) ^
      (longhaul::base::load_big_endian<uint64_t>(id.bytes.data() + 8) * 0x9e3779b97f4a7c15));
}
