// What a real API server knows of built-in kinds, as far as the operator can tell the difference:
// defaults, what may not change, what must be there.
#pragma once

#include <string>
#include <vector>

#include "local/api/kind.h"

namespace longhaul::local {

/// Fills in the defaults of a built-in object.
void set_builtin_defaults(const Kind& kind, Json& object);

/// What is wrong with an object on its own.
std::vector<Cause> builtin_violations(const Kind& kind, const Json& object);

/// What is wrong with turning `before` into `after` (fields that may not change).
std::vector<Cause> builtin_change_violations(const Kind& kind, const Json& before,
                                             const Json& after);

/// The status of an object that was just created, or null.
Json initial_status(const Kind& kind, const Json& object, const std::string& now);

}  // namespace longhaul::local
