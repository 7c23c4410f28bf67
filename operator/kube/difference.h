// Whether a live object already says what we want it to.
#pragma once

#include <string>

#include "operator/kube/object.h"

namespace longhaul::op::kube {

/// The path of the first field of `desired` that `live` lacks or has otherwise; empty if there is
/// none. Fields that only `live` has (defaults, status, other managers' fields) do not count.
/// Lists of named things are compared by name, other lists element by element; quantities by value
/// ("500m" = "0.5"), numbers likewise.
std::string first_difference(const Json& desired, const Json& live);

/// True if two Kubernetes quantities ("1Gi", "1024Mi", "0.5", "500m") have the same value.
bool same_quantity(const std::string& a, const std::string& b);
/// A quantity's value; an error if it is not one.
base::Result<double> parse_quantity(const std::string& text);

}  // namespace longhaul::op::kube
