// The anchor: a region's identity, kept in a ConfigMap beside its volumes
// (docs/decisions/0002-birth.md).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/uuid.h"
#include "operator/api/kafka_cluster.h"
#include "operator/kube/object.h"

namespace longhaul::op::model {

/// Whether the region's metadata quorum exists.
enum class Birth {
  kFounding,  ///< the first voter may format its empty volume; nobody can reach it yet
  kFounded,   ///< it has, and its pod may still have leave to do so
  kSealed,    ///< nothing may ever found it again
};

/// A node ID that was given. It is never given again.
struct AnchorNode {
  int64_t id = 0;
  std::string zone;
  bool witness = false;  // a controller that is no broker
};

struct Anchor {
  std::string region;
  size_t ordinal = 0;  // node IDs begin at 1000 × (ordinal + 1) + 1
  base::Uuid cluster_id;
  Birth birth = Birth::kFounding;
  std::vector<AnchorNode> nodes;  // by ID; the first one founds
  /// Broker options that were altered for all brokers because the spec has them: what it has no
  /// longer is taken back, and nothing that others altered.
  std::set<std::string> options;

  const AnchorNode& founder() const { return nodes.front(); }
};

/// A new identity for a region: cluster ID, and a node for each broker and witness that its zones
/// ask for.
Anchor make_anchor(const api::KafkaCluster& cluster, size_t ordinal, base::Random& random);

/// Gives a node ID to each broker, then to each witness, that the zones ask for beyond those that
/// have one. True if there was any.
bool add_nodes(Anchor& anchor, const api::Region& region);

/// Nodes of the anchor that the zones no longer ask for: of each zone those with the highest IDs.
std::vector<AnchorNode> surplus_nodes(const Anchor& anchor, const api::Region& region);

/// The ConfigMap, without resourceVersion. Volumes that are retained keep their anchor: it then has
/// no owner (`owner` is a KafkaCluster object).
kube::Json to_config_map(const Anchor& anchor, const api::KafkaCluster& cluster,
                         const kube::Json& owner);
/// kCorrupt, naming the ConfigMap, if it does not hold an anchor.
base::Result<Anchor> read_anchor(const kube::Json& config_map);

}  // namespace longhaul::op::model
