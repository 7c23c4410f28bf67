// What a person who sets an option should know about what it does here.
#pragma once

#include <string>
#include <string_view>

#include "broker/config/option.h"

namespace longhaul::broker::config {

/// Why `option` with this value, in normal form, does not do what its setter may hope and what to
/// do about it: the rest of a sentence that begins with the option. Empty if there is nothing to
/// say.
std::string effect_warning(const Option& option, std::string_view value);

}  // namespace longhaul::broker::config
