// Bytes for tests, written by hand.
#pragma once

#include <cctype>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace longhaul::protocol {

/// "00 01 0203" -> {0, 1, 2, 3}; spaces are for the eye.
inline base::Bytes bytes_of(std::string_view hex) {
  base::Bytes bytes;
  std::string digits;
  for (char c : hex) {
    if (std::isspace(static_cast<unsigned char>(c))) continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<uint8_t>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

}  // namespace longhaul::protocol
