#include "broker/metrics/http_head.h"

#include <algorithm>

namespace longhaul::broker::metrics {
namespace {

using base::Errc;
using base::fail;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool is_visible(char c) { return c > ' ' && c < 0x7f; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// What came of the first line before its end can be the beginning of one.
bool may_be_request_line(std::string_view line) {
  if (line.empty()) return true;
  if (line.back() == '\r') line.remove_suffix(1);
  return !line.empty() && is_upper(line[0]) &&
         std::all_of(line.begin(), line.end(), [](char c) { return c == ' ' || is_visible(c); });
}

base::Result<HttpHead> parse_request_line(std::string_view line) {
  auto malformed = [] {
    return fail(Errc::kInvalidArgument, "the request line is not METHOD PATH HTTP/1.1");
  };
  size_t first = line.find(' ');
  size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
  if (second == line.npos) return malformed();
  std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, second - first - 1);
  std::string_view version = line.substr(second + 1);
  if (!std::all_of(method.begin(), method.end(), is_upper)) return malformed();
  if (target.empty()) return malformed();
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return fail(Errc::kInvalidArgument, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  return HttpHead{std::string(method), std::string(target.substr(0, target.find('?')))};
}

bool is_field(std::string_view line) {
  size_t colon = line.find(':');
  if (colon == line.npos || colon == 0) return false;
  std::string_view name = line.substr(0, colon);
  return std::all_of(name.begin(), name.end(), is_visible) &&
         std::none_of(line.begin(), line.end(), [](char c) { return c == '\0' || c == '\r'; });
}

}  // namespace

base::Result<std::optional<HttpHead>> parse_http_head(std::string_view bytes) {
  size_t line_end = bytes.find(kLineEnd);
  if (!may_be_request_line(bytes.substr(0, line_end)) || line_end == 0) {
    return fail(Errc::kInvalidArgument, "this is not HTTP");
  }
  size_t head_end = bytes.find(kHeadEnd);
  size_t head_size = head_end == bytes.npos ? bytes.size() : head_end + kHeadEnd.size();
  if (head_size > kMaxHeadBytes || (head_end == bytes.npos && head_size == kMaxHeadBytes)) {
    return fail(Errc::kTooLarge,
                "the head is longer than " + std::to_string(kMaxHeadBytes) + " bytes");
  }
  if (head_end == bytes.npos) return std::optional<HttpHead>{};
  LH_ASSIGN(HttpHead head, parse_request_line(bytes.substr(0, line_end)));
  for (size_t at = line_end + kLineEnd.size(); at < head_end;) {
    size_t end = bytes.find(kLineEnd, at);
    if (!is_field(bytes.substr(at, end - at))) {
      return fail(Errc::kInvalidArgument, "a header field is not NAME: VALUE");
    }
    at = end + kLineEnd.size();
  }
  return std::optional<HttpHead>(std::move(head));
}

}  // namespace longhaul::broker::metrics
