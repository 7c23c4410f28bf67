// JSON and YAML text from outside, with bounds on size and nesting.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace longhaul::local {

using Json = nlohmann::json;

/// Parses JSON of at most 100 levels; kInvalidArgument with the place of the mistake. `duplicates`
/// gets the names of fields that occur twice in one object (the last one wins).
base::Result<Json> parse_json(std::string_view text,
                              std::vector<std::string>* duplicates = nullptr);

/// Parses every document of a YAML stream (empty ones are left out), with scalars typed as
/// Kubernetes does (YAML 1.1: yes, on and 0o17 are not strings). kInvalidArgument with line and
/// column; aliases may not multiply a text beyond a million values.
base::Result<std::vector<Json>> parse_yaml(std::string_view text,
                                           std::vector<std::string>* duplicates = nullptr);

/// Compact JSON text; bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& value);

}  // namespace longhaul::local
