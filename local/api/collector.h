// What follows from deletions: owned objects, content of namespaces, instances of definitions.
#pragma once

#include "local/api/engine.h"

namespace longhaul::local {

/// Runs until nothing more follows. Objects all of whose owners are gone are deleted; an owner
/// with the finalizer foregroundDeletion waits for those that block it; with orphan, it lets go of
/// them; a namespace or a definition being deleted takes its content along.
Answer<void> collect(Engine& engine);

}  // namespace longhaul::local
