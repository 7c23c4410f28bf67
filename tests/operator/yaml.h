// YAML files of this repository as JSON, for tests.
#pragma once

#include <string>
#include <vector>

#include "operator/kube/object.h"

namespace longhaul::tests {

/// The documents of a file.
base::Result<std::vector<op::kube::Json>> load_yaml(const std::string& path);
/// The documents of a text.
base::Result<std::vector<op::kube::Json>> parse_yaml(const std::string& text);

}  // namespace longhaul::tests
