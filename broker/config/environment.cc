#include "broker/config/environment.h"

#include <algorithm>

namespace longhaul::broker::config {
namespace {

constexpr std::string_view kOpen = "${env:";

// The value becomes part of a properties file: what means something there is escaped.
std::string escaped(const std::string& value) {
  std::string text;
  for (char c : value) {
    if (c == '\\') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

base::Result<void> fail_at(std::string_view before, const std::string& why) {
  auto line = std::count(before.begin(), before.end(), '\n') + 1;
  return base::fail(base::Errc::kInvalidArgument, "line " + std::to_string(line) + ": " + why);
}

}  // namespace

base::Result<std::string> expand_environment(
    std::string_view text,
    const std::function<std::optional<std::string>(const std::string& name)>& look_up) {
  std::string expanded;
  size_t at = 0;
  for (;;) {
    size_t open = text.find(kOpen, at);
    expanded += text.substr(at, open == std::string_view::npos ? open : open - at);
    if (open == std::string_view::npos) return expanded;
    size_t end = text.find_first_of("}\n", open);
    if (end == std::string_view::npos || text[end] != '}') {
      LH_TRY(fail_at(text.substr(0, open), "'${env:' without its closing '}'"));
    }
    std::string name(text.substr(open + kOpen.size(), end - open - kOpen.size()));
    auto value = look_up(name);
    if (!value) {
      LH_TRY(fail_at(text.substr(0, open), "the environment variable " + name + " is not set"));
    }
    expanded += escaped(*value);
    at = end + 1;
  }
}

}  // namespace longhaul::broker::config
