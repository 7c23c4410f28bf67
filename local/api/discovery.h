// What the API tells about itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local/api/kind.h"

namespace longhaul::local {

/// The answer to /api, /apis, /api/v1, /apis/GROUP, /apis/GROUP/VERSION and /version; nothing for
/// any other path.
std::optional<Json> discovery(std::string_view path, const std::vector<Kind::Ptr>& kinds,
                              std::string_view server_address);

}  // namespace longhaul::local
