#include "operator/model/anchor.h"

#include <nlohmann/json.hpp>

#include "operator/model/desired.h"
#include "operator/model/names.h"

namespace longhaul::op::model {
namespace {

using kube::Json;

constexpr const char* kDataKey = "anchor.json";
constexpr int kFormat = 1;

Json to_json(const Anchor& anchor) {
  Json nodes = Json::array();
  for (const AnchorNode& node : anchor.nodes)
    nodes.push_back(
        {{"id", node.id}, {"zone", node.zone}, {"directoryId", node.directory_id.to_string()}});
  return {{"format", kFormat},
          {"region", anchor.region},
          {"ordinal", anchor.ordinal},
          {"clusterId", anchor.cluster_id.to_string()},
          {"birth", anchor.birth == Birth::kFounded ? "founded" : "founding"},
          {"nodes", std::move(nodes)}};
}

base::Result<Anchor> from_json(const Json& json) {
  auto corrupt = [](const char* what) { return base::fail(base::Errc::kCorrupt, what); };
  if (kube::int_at(json, {"format"}) != kFormat)
    return corrupt("its format is not 1; was it written by a newer operator?");
  Anchor anchor;
  anchor.region = kube::string_at(json, {"region"});
  anchor.ordinal = static_cast<size_t>(kube::int_at(json, {"ordinal"}));
  LH_ASSIGN(anchor.cluster_id, base::Uuid::parse(kube::string_at(json, {"clusterId"})));
  std::string birth = kube::string_at(json, {"birth"});
  if (birth != "founding" && birth != "founded") return corrupt("birth is unknown");
  anchor.birth = birth == "founded" ? Birth::kFounded : Birth::kFounding;
  for (const Json& entry : kube::at_path(json, {"nodes"})) {
    AnchorNode node;
    node.id = kube::int_at(entry, {"id"});
    node.zone = kube::string_at(entry, {"zone"});
    LH_ASSIGN(node.directory_id, base::Uuid::parse(kube::string_at(entry, {"directoryId"})));
    if (node.id <= api::node_id_base(anchor.ordinal)) return corrupt("a node ID is out of range");
    anchor.nodes.push_back(std::move(node));
  }
  if (anchor.nodes.empty()) return corrupt("it has no nodes");
  return anchor;
}

}  // namespace

Anchor make_anchor(const api::KafkaCluster& cluster, size_t ordinal, base::Random& random) {
  const api::Region& region = cluster.regions[ordinal];
  Anchor anchor;
  anchor.region = region.name;
  anchor.ordinal = ordinal;
  anchor.cluster_id = base::Uuid::random(random);
  int64_t next = api::node_id_base(ordinal) + 1;
  for (const api::Zone& zone : region.zones)
    for (int64_t i = 0; i < zone.brokers; ++i)
      anchor.nodes.push_back({next++, zone.name, base::Uuid::random(random)});
  return anchor;
}

Json to_config_map(const Anchor& anchor, const api::KafkaCluster& cluster, const Json& owner) {
  Json map = kube::make_object(kube::kConfigMap, cluster.name_space,
                               anchor_name(cluster.name, anchor.region));
  map["metadata"]["labels"] = object_labels(cluster.name, anchor.region);
  if (!cluster.regions[anchor.ordinal].storage.retain)
    map["metadata"]["ownerReferences"] = Json::array({kube::owner_reference(owner)});
  map["data"][kDataKey] = to_json(anchor).dump(1) + "\n";
  return map;
}

base::Result<Anchor> read_anchor(const Json& config_map) {
  base::Result<Json> json = kube::parse_json(kube::string_at(config_map, {"data", kDataKey}));
  base::Result<Anchor> anchor = json ? from_json(*json) : tl::unexpected(json.error());
  if (anchor) return anchor;
  return base::fail(base::Errc::kCorrupt,
                    "ConfigMap " + kube::name_of(config_map) +
                        " does not hold a region's anchor: " + anchor.error().message +
                        "; restore it from a backup");
}

}  // namespace longhaul::op::model
