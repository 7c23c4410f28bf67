// Holding an object to the schema of its kind: nulls, unknown fields, defaults, constraints.
#pragma once

#include <string>
#include <vector>

#include "local/api/schema.h"

namespace longhaul::local {

/// Takes out nulls that the schema does not allow, as decoding in a real API server does.
void drop_nulls(Json& value, const Schema::Ptr& schema);

/// Takes out fields that the schema does not know; gives their paths ("spec.brokerz").
std::vector<std::string> prune_unknown(Json& object, const Schema::Ptr& schema);

/// Sets defaults of absent fields.
void set_defaults(Json& value, const Schema::Ptr& schema);

/// Every violation, with its path. At most 20 are collected.
std::vector<Cause> violations(const Json& object, const Schema::Ptr& schema);

/// Every change of a field that may not change.
std::vector<Cause> forbidden_changes(const Json& before, const Json& after,
                                     const Schema::Ptr& schema);

}  // namespace longhaul::local
