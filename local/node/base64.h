// Standard base64, as the values of Secrets have it.
#pragma once

#include <string>
#include <string_view>

namespace longhaul::local {

/// The bytes; whatever is not base64 is skipped.
std::string decode_base64(std::string_view text);

}  // namespace longhaul::local
