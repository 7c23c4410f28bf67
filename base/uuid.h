// Kafka's 128-bit identifiers and their text form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"

namespace longhaul::base {

/// 16 bytes; as text, 22 characters of URL-safe base64 without padding (Kafka's `Uuid`).
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  static Uuid from_bytes(ByteView view);  // view.size() == 16
  /// A version-4 UUID that is none of Kafka's reserved ones and does not begin with '-' as text
  /// (which a command line would take for an option), as `kafka-storage random-uuid` gives.
  static Uuid random(Random& random);
  static Result<Uuid> parse(std::string_view text);
  std::string to_string() const;
  bool is_zero() const { return *this == Uuid{}; }
  auto operator<=>(const Uuid&) const = default;
};

}  // namespace longhaul::base

template <>
struct std::hash<longhaul::base::Uuid> {
  size_t operator()(const longhaul::base::Uuid& id) const noexcept;
};
