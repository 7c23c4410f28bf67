// The patches other than server-side apply.
#pragma once

#include "local/api/schema.h"

namespace longhaul::local {

/// RFC 7386.
Json merge_patch(const Json& object, const Json& patch);

/// RFC 6902. 422 if an operation cannot be done, 400 if the patch is malformed.
Answer<Json> json_patch(const Json& object, const Json& patch);

/// Kubernetes' strategic merge patch: lists of type map merge by their first key, sets are united;
/// directives $patch, $retainKeys, $deleteFromPrimitiveList; $setElementOrder is dropped.
Json strategic_merge_patch(const Json& object, const Json& patch, const Schema::Ptr& schema);

}  // namespace longhaul::local
