// What Kubernetes' StatefulSet controller does, one set at a time.
#pragma once

#include <string>

#include "local/node/node_context.h"

namespace longhaul::local {

/// Moves a set one step towards its spec: makes pods and claims, deletes pods that are too many or
/// of an old revision, writes the set's status. Called again after every change of a set or pod.
///
/// As in Kubernetes: ordered or parallel, OnDelete or RollingUpdate from the highest ordinal down,
/// one pod at a time, each waiting until all others are ready. Unlike there: a pod that is missing
/// is always made of the newest template, and `partition` is refused with an Event.
void step_stateful_set(NodeContext& node, const Json& set);

/// The revision of a pod template: "SET-HASH".
std::string template_revision(const Json& set);

}  // namespace longhaul::local
