// The head of an HTTP/1 request (RFC 9112), as much of it as a health endpoint needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace longhaul::broker::metrics {

/// A head that is longer is refused.
constexpr size_t kMaxHeadBytes = 8 * 1024;

struct HttpHead {
  std::string method;
  std::string path;  // without the query
};

/// Reads what has come of a request so far: nothing as long as the empty line that ends the head is
/// missing. kInvalidArgument as soon as it can be no request any more, with what is wrong with it;
/// kTooLarge above kMaxHeadBytes. Header fields are looked at only for their form.
base::Result<std::optional<HttpHead>> parse_http_head(std::string_view bytes);

}  // namespace longhaul::broker::metrics
