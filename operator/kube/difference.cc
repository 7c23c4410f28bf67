#include "operator/kube/difference.h"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace longhaul::op::kube {
namespace {

/// Null if it is equal, else where; the path is built backwards on the way up.
std::string difference_at(const Json& desired, const Json& live, const std::string& path);

const Json* named_element(const Json& list, const Json& name) {
  for (const Json& element : list)
    if (element.is_object() && element.value("name", Json()) == name) return &element;
  return nullptr;
}

std::string list_difference(const Json& desired, const Json& live, const std::string& path) {
  if (!live.is_array() || live.size() != desired.size()) return path;
  for (size_t i = 0; i < desired.size(); ++i) {
    const Json* other = &live[i];
    if (desired[i].is_object() && desired[i].contains("name"))
      other = named_element(live, desired[i]["name"]);
    std::string at = path + "[" + std::to_string(i) + "]";
    if (!other) return at;
    if (std::string found = difference_at(desired[i], *other, at); !found.empty()) return found;
  }
  return {};
}

std::string difference_at(const Json& desired, const Json& live, const std::string& path) {
  if (desired.is_object()) {
    if (!live.is_object()) return path;
    for (const auto& [name, value] : desired.items()) {
      std::string at = path.empty() ? name : path + "." + name;
      auto found = live.find(name);
      if (found == live.end()) {
        // An empty map or list and none at all are the same to the API server.
        if ((value.is_object() || value.is_array()) && value.empty()) continue;
        return at;
      }
      if (std::string inner = difference_at(value, *found, at); !inner.empty()) return inner;
    }
    return {};
  }
  if (desired.is_array()) return list_difference(desired, live, path);
  if (desired == live) return {};
  if (desired.is_string() && live.is_string() &&
      same_quantity(desired.get_ref<const std::string&>(), live.get_ref<const std::string&>()))
    return {};
  return path;
}

}  // namespace

std::string first_difference(const Json& desired, const Json& live) {
  return difference_at(desired, live, "");
}

base::Result<double> parse_quantity(const std::string& text) {
  static constexpr std::array<std::pair<std::string_view, double>, 15> kSuffixes{{
      {"", 1.0},
      {"n", 1e-9},
      {"u", 1e-6},
      {"m", 1e-3},
      {"k", 1e3},
      {"M", 1e6},
      {"G", 1e9},
      {"T", 1e12},
      {"P", 1e15},
      {"E", 1e18},
      {"Ki", 0x1p10},
      {"Mi", 0x1p20},
      {"Gi", 0x1p30},
      {"Ti", 0x1p40},
      {"Pi", 0x1p50},
  }};
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
  if (error == std::errc() && std::isfinite(number))
    for (const auto& [name, scale] : kSuffixes)
      if (name == suffix) return number * scale;
  return base::fail(base::Errc::kInvalidArgument,
                    "\"" + text + "\" is not a quantity such as 500m, 2, 512Mi or 100Gi");
}

bool same_quantity(const std::string& a, const std::string& b) {
  base::Result<double> x = parse_quantity(a);
  base::Result<double> y = parse_quantity(b);
  return x && y && std::abs(*x - *y) <= 1e-9 * std::max(std::abs(*x), std::abs(*y));
}

}  // namespace longhaul::op::kube
