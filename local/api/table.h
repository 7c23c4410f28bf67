// Tables, as `kubectl get` asks for them (meta.k8s.io/v1 Table).
#pragma once

#include <span>

#include "base/clock.h"
#include "local/api/kind.h"
#include "local/api/store.h"

namespace longhaul::local {

/// The kind's printer columns behind the name, and the age where no column tells it. Ages are
/// given as dates in words ("3m").
Json make_table(const Kind& kind, std::span<const ObjectPtr> objects, uint64_t revision,
                int64_t now_ms);

/// The value at a JSON path of the kind that printer columns use: fields, indexes, and
/// `[?(@.field=="value")]`. JSON null if there is none.
const Json& at_json_path(const Json& object, std::string_view path);

}  // namespace longhaul::local
