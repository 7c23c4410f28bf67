#include "broker/config/properties.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

namespace longhaul::broker::config {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

std::string_view trim_left(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

bool ends_in_continuation(std::string_view line) {
  size_t slashes = 0;
  while (slashes < line.size() && line[line.size() - 1 - slashes] == '\\') ++slashes;
  return slashes % 2 == 1;
}

/// Hands out natural lines and remembers their numbers.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    ++number_;
    size_t end = rest_.find_first_of("\r\n");
    std::string_view line = rest_.substr(0, end);
    if (end == std::string_view::npos) {
      rest_ = {};
    } else {
      bool both = rest_[end] == '\r' && end + 1 < rest_.size() && rest_[end + 1] == '\n';
      rest_.remove_prefix(end + (both ? 2 : 1));
    }
    return line;
  }
  int number() const { return number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

/// The line `first` with its continuations, joined.
std::string logical_line(std::string_view first, Lines& lines) {
  std::string joined(first);
  while (ends_in_continuation(joined)) {
    joined.pop_back();
    std::optional<std::string_view> more = lines.next();
    if (!more) break;
    joined += trim_left(*more);
  }
  return joined;
}

/// Where the key ends: the first separator that no backslash protects.
size_t key_end(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || is_blank(line[i])) {
      return i;
    }
  }
  return line.size();
}

std::string_view value_part(std::string_view after_key) {
  after_key = trim_left(after_key);
  if (!after_key.empty() && (after_key.front() == '=' || after_key.front() == ':')) {
    after_key = trim_left(after_key.substr(1));
  }
  return after_key;
}

std::optional<uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (char c : text.substr(0, 4)) {
    uint32_t digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
    value = value * 16 + digit;
  }
  return value;
}

void append_utf8(std::string& out, uint32_t code) {
  auto byte = [&out](uint32_t b) { out.push_back(static_cast<char>(b)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
  }
}

/// Reads what follows "\u" and drops it from `text`; a high surrogate takes the low one with it.
std::optional<uint32_t> unicode_escape(std::string_view& text) {
  std::optional<uint32_t> code = hex4(text);
  if (!code) return std::nullopt;
  text.remove_prefix(4);
  if (*code < 0xD800 || *code > 0xDFFF) return code;
  if (*code > 0xDBFF || !text.starts_with("\\u")) return std::nullopt;
  std::optional<uint32_t> low = hex4(text.substr(2));
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return std::nullopt;
  text.remove_prefix(6);
  return 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
}

char simple_escape(char c) {
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

base::Result<std::string> unescape(std::string_view text, int line) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (c != '\\' || text.empty()) {
      if (c != '\\') out.push_back(c);
      continue;
    }
    c = text.front();
    text.remove_prefix(1);
    if (c != 'u') {
      out.push_back(simple_escape(c));
      continue;
    }
    std::optional<uint32_t> code = unicode_escape(text);
    if (!code) {
      return base::fail(
          base::Errc::kInvalidArgument,
          fmt::format("line {}: \\u needs four hexadecimal digits of a character", line));
    }
    append_utf8(out, *code);
  }
  return out;
}

}  // namespace

base::Result<Properties> parse_properties(std::string_view text) {
  Properties properties;
  Lines lines(text);
  while (std::optional<std::string_view> natural = lines.next()) {
    int number = lines.number();
    std::string_view start = trim_left(*natural);
    if (start.empty() || start.front() == '#' || start.front() == '!') continue;
    std::string line = logical_line(start, lines);
    size_t end = key_end(line);
    LH_ASSIGN(std::string key, unescape(std::string_view(line).substr(0, end), number));
    LH_ASSIGN(std::string value, unescape(value_part(std::string_view(line).substr(end)), number));
    if (key.empty()) {
      return base::fail(base::Errc::kInvalidArgument,
                        fmt::format("line {}: there is a value but no name before it", number));
    }
    Property& property = properties[key];
    property = {std::move(value), number, property.line};
  }
  return properties;
}

}  // namespace longhaul::broker::config
