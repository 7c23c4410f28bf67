// Where a broker is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace longhaul::client {

struct Endpoint {
  std::string host;  // a name or an address; an IPv6 address without brackets
  uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
  /// "host:port", "[::1]:port".
  std::string to_string() const;
};

/// "host:port"; kInvalidArgument says what is missing.
base::Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace longhaul::client
