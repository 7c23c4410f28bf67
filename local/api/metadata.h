// Names, labels and the metadata that the server itself keeps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "local/api/kind.h"

namespace longhaul::local {

/// What is wrong with name, labels, annotations, finalizers and owner references, with paths.
std::vector<Cause> metadata_violations(const Kind& kind, const Json& object);

/// A random identifier in RFC 4122's text form.
std::string new_uid(base::Random& random);
/// `generateName` with five random characters behind it.
std::string generated_name(std::string_view prefix, base::Random& random);

/// Copies what a client may not change (uid, creationTimestamp, generation, deletion …) from the
/// stored object over `next`.
void carry_over_metadata(const Json& before, Json& next);

bool has_finalizers(const Json& object);
void add_finalizer(Json& object, const std::string& finalizer);
void remove_finalizer(Json& object, const std::string& finalizer);

}  // namespace longhaul::local
