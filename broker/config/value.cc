#include "broker/config/value.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "base/assert.h"

namespace longhaul::broker::config {
namespace {

using base::Errc;
using base::Result;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

tl::unexpected<base::Error> refuse(const Option& option, std::string_view text,
                                   const std::string& wanted) {
  if (option.sensitive()) {
    return base::fail(Errc::kInvalidArgument, fmt::format("{}: {}", option.name, wanted));
  }
  return base::fail(Errc::kInvalidArgument,
                    fmt::format("{}: '{}' is not possible; {}", option.name, text, wanted));
}

std::optional<int64_t> parse_integer(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

/// "[lo,...]", "[lo,...,hi]", each also with " or N".
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::optional<double> also;

  bool holds(double value) const { return (value >= low && value <= high) || value == also; }
};

std::optional<Range> parse_range(std::string_view valid) {
  size_t dots = valid.find(",...");
  if (!valid.starts_with('[') || dots == std::string_view::npos) return std::nullopt;
  std::optional<double> low = parse_double(valid.substr(1, dots - 1));
  if (!low) return std::nullopt;
  Range range;
  range.low = *low;
  std::string_view after = valid.substr(dots + 4);
  size_t close = after.find(']');
  if (after.starts_with(',')) range.high = parse_double(after.substr(1, close - 1)).value();
  size_t or_at = after.find(" or ");
  if (or_at != std::string_view::npos) range.also = parse_double(after.substr(or_at + 4));
  return range;
}

constexpr std::string_view kAnyCase = "(case insensitive) ";
constexpr std::string_view kThrottled = "[partitionId]:[brokerId]";

/// The words of "[a, b]", empty if `valid` is not of that form.
std::vector<std::string> parse_words(std::string_view valid) {
  if (valid.starts_with(kAnyCase)) valid.remove_prefix(kAnyCase.size());
  if (!valid.starts_with('[') || valid.starts_with(kThrottled) || parse_range(valid)) return {};
  return value_as_list(valid.substr(1, valid.size() - 2));
}

bool is_one_of(std::string_view text, const Option& option) {
  bool any_case = option.valid.starts_with(kAnyCase);
  std::vector<std::string> words = parse_words(option.valid);
  return words.empty() || std::any_of(words.begin(), words.end(), [&](const std::string& word) {
           return any_case ? strcasecmp(word.c_str(), std::string(text).c_str()) == 0
                           : word == text;
         });
}

Result<std::string> check_boolean(const Option& option, std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  if (lower != "true" && lower != "false") return refuse(option, text, "it is true or false");
  return lower;
}

Result<std::string> check_integer(const Option& option, std::string_view text) {
  int64_t least = std::numeric_limits<int64_t>::min(), most = std::numeric_limits<int64_t>::max();
  if (option.type == Type::kInt) least = INT32_MIN, most = INT32_MAX;
  if (option.type == Type::kShort) least = INT16_MIN, most = INT16_MAX;
  std::optional<int64_t> value = parse_integer(text);
  std::optional<Range> range = parse_range(option.valid);
  if (!value || *value < least || *value > most) {
    std::string where =
        range ? "in " + std::string(option.valid) : fmt::format("from {} to {}", least, most);
    return refuse(option, text, "it is a whole number " + where);
  }
  if (range && !range->holds(static_cast<double>(*value))) {
    return refuse(option, text, fmt::format("it must lie in {}", option.valid));
  }
  return std::to_string(*value);
}

Result<std::string> check_double(const Option& option, std::string_view text) {
  std::optional<double> value = parse_double(text);
  if (!value) return refuse(option, text, "it is a number");
  std::optional<Range> range = parse_range(option.valid);
  if (range && !range->holds(*value)) {
    return refuse(option, text, fmt::format("it must lie in {}", option.valid));
  }
  return std::string(text);
}

bool is_throttle_item(std::string_view item) {
  size_t colon = item.find(':');
  auto digits = [](std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return colon != std::string_view::npos && digits(item.substr(0, colon)) &&
         digits(item.substr(colon + 1));
}

Result<void> check_throttles(const Option& option, const std::vector<std::string>& items) {
  if (items.size() == 1 && items[0] == "*") return {};
  for (const std::string& item : items) {
    if (!is_throttle_item(item)) {
      return refuse(option, item, "it is * or a list of PARTITION:BROKER");
    }
  }
  return {};
}

Result<std::string> check_list(const Option& option, std::string_view text) {
  std::vector<std::string> kept;
  for (std::string& item : value_as_list(text)) {
    if (item.empty()) return refuse(option, text, "an item of the list is empty");
    if (!is_one_of(item, option)) {
      return refuse(option, item, fmt::format("its items are of {}", option.valid));
    }
    if (std::find(kept.begin(), kept.end(), item) == kept.end()) kept.push_back(std::move(item));
  }
  if (kept.empty() && option.valid == "non-empty list") {
    return refuse(option, text, "leave the option out if it shall be empty");
  }
  if (option.valid.starts_with(kThrottled)) LH_TRY(check_throttles(option, kept));
  return join_list(kept);
}

Result<std::string> check_string(const Option& option, std::string_view text) {
  if (option.valid == "non-empty string" && text.empty()) {
    return refuse(option, text, "it must not be empty");
  }
  if (!is_one_of(text, option)) {
    return refuse(option, text, fmt::format("it is one of {}", option.valid));
  }
  return std::string(text);
}

}  // namespace

Result<std::string> check_value(const Option& option, std::string_view text) {
  switch (option.type) {
    case Type::kBoolean:
      return check_boolean(option, trim(text));
    case Type::kInt:
    case Type::kShort:
    case Type::kLong:
      return check_integer(option, trim(text));
    case Type::kDouble:
      return check_double(option, trim(text));
    case Type::kList:
      return check_list(option, trim(text));
    case Type::kString:
    case Type::kClass:
      return check_string(option, trim(text));
    case Type::kPassword:
      return std::string(text);
  }
  return std::string(text);
}

bool value_as_boolean(std::string_view text) {
  LH_ASSERT(text == "true" || text == "false", "a boolean option was not checked");
  return text == "true";
}

int64_t value_as_integer(std::string_view text) {
  std::optional<int64_t> value = parse_integer(text);
  LH_ASSERT(value, "a numeric option was not checked");
  return *value;
}

double value_as_double(std::string_view text) {
  std::optional<double> value = parse_double(text);
  LH_ASSERT(value, "a numeric option was not checked");
  return *value;
}

std::vector<std::string> value_as_list(std::string_view text) {
  std::vector<std::string> items;
  if (trim(text).empty()) return items;
  for (;;) {
    size_t comma = text.find(',');
    items.emplace_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::string join_list(const std::vector<std::string>& items) {
  return fmt::format("{}", fmt::join(items, ","));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace longhaul::broker::config
