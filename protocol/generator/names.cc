#include "protocol/generator/names.h"

#include <cctype>

namespace longhaul::protocol::generator {
namespace {

bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
char to_lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Whether a word begins at `at`: after a small letter or digit, or as the last capital of a row.
bool begins_word(std::string_view name, size_t at) {
  if (at == 0 || !is_upper(name[at])) return false;
  if (!is_upper(name[at - 1])) return true;
  return at + 1 < name.size() && !is_upper(name[at + 1]);
}

}  // namespace

std::string snake_case(std::string_view name) {
  std::string result;
  for (size_t i = 0; i < name.size(); ++i) {
    bool within_kraft = i > 0 && name.substr(i - 1).starts_with("KRaft");
    if (begins_word(name, i) && !within_kraft) result += '_';
    result += to_lower(name[i]);
  }
  return result;
}

std::string lower_first(std::string_view name) {
  std::string result(name);
  if (!result.empty()) result[0] = to_lower(result[0]);
  return result;
}

std::string pascal_case(std::string_view upper_name) {
  std::string result;
  bool first = true;
  for (char c : upper_name) {
    if (c == '_') {
      first = true;
      continue;
    }
    result += first ? c : to_lower(c);
    first = false;
  }
  return result;
}

}  // namespace longhaul::protocol::generator
