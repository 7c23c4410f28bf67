// Files of the repository that are part of the program.
#pragma once

#include <span>
#include <string_view>

namespace longhaul::cli {

/// The CustomResourceDefinitions of `crds/`, one YAML text each.
std::span<const std::string_view> embedded_definitions();

/// manifests/examples/quickstart.yaml.
std::string_view embedded_example();

}  // namespace longhaul::cli
