#include <algorithm>
#include <stdexcept>

#include "protocol/generator/schema.h"

namespace longhaul::protocol::generator {

Versions Versions::parse(const std::string& text) {
  if (text == "none") return {};
  try {
    size_t used = 0;
    int low = std::stoi(text, &used);
    std::string rest = text.substr(used);
    if (rest.empty()) return {low, low};
    if (rest == "+") return {low, kForever};
    if (rest[0] == '-') {
      int high = std::stoi(rest.substr(1), &used);
      if (used + 1 == rest.size() && low <= high) return {low, high};
    }
  } catch (const std::logic_error&) {
  }
  throw std::runtime_error("\"" + text + "\" is not a range of versions");
}

Versions Versions::intersect(Versions other) const {
  return {std::max(low, other.low), std::min(high, other.high)};
}

Versions Versions::hull(Versions other) const {
  if (empty()) return other;
  if (other.empty()) return *this;
  return {std::min(low, other.low), std::max(high, other.high)};
}

std::string Versions::to_string() const {
  if (empty()) return "none";
  if (low == high) return std::to_string(low);
  if (high == kForever) return std::to_string(low) + "+";
  return std::to_string(low) + "-" + std::to_string(high);
}

}  // namespace longhaul::protocol::generator
