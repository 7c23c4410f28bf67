#include "operator/model/anchor.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "operator/model/desired.h"
#include "operator/model/names.h"

namespace longhaul::op::model {
namespace {

using kube::Json;

constexpr const char* kDataKey = "anchor.json";
constexpr int kFormat = 1;

constexpr std::pair<Birth, const char*> kBirths[] = {
    {Birth::kFounding, "founding"}, {Birth::kFounded, "founded"}, {Birth::kSealed, "sealed"}};

const char* name_of(Birth birth) {
  for (auto& [value, name] : kBirths)
    if (value == birth) return name;
  return "";
}

std::optional<Birth> parse_birth(const std::string& text) {
  for (auto& [value, name] : kBirths)
    if (text == name) return value;
  return std::nullopt;
}

Json to_json(const Anchor& anchor) {
  Json nodes = Json::array();
  for (const AnchorNode& node : anchor.nodes) {
    nodes.push_back({{"id", node.id}, {"zone", node.zone}});
    if (node.witness) nodes.back()["witness"] = true;
  }
  Json json{{"format", kFormat},
            {"region", anchor.region},
            {"ordinal", anchor.ordinal},
            {"clusterId", anchor.cluster_id.to_string()},
            {"birth", name_of(anchor.birth)},
            {"nodes", std::move(nodes)}};
  if (!anchor.options.empty()) json["options"] = anchor.options;
  return json;
}

base::Result<Anchor> from_json(const Json& json) {
  auto corrupt = [](const char* what) { return base::fail(base::Errc::kCorrupt, what); };
  if (kube::int_at(json, {"format"}) != kFormat)
    return corrupt("its format is not 1; was it written by a newer operator?");
  Anchor anchor;
  anchor.region = kube::string_at(json, {"region"});
  anchor.ordinal = static_cast<size_t>(kube::int_at(json, {"ordinal"}));
  LH_ASSIGN(anchor.cluster_id, base::Uuid::parse(kube::string_at(json, {"clusterId"})));
  std::optional<Birth> birth = parse_birth(kube::string_at(json, {"birth"}));
  if (!birth) return corrupt("birth is unknown");
  anchor.birth = *birth;
  for (const Json& entry : kube::at_path(json, {"nodes"})) {
    AnchorNode node;
    node.id = kube::int_at(entry, {"id"});
    node.zone = kube::string_at(entry, {"zone"});
    node.witness = kube::at_path(entry, {"witness"}) == true;
    if (node.id <= api::node_id_base(anchor.ordinal)) return corrupt("a node ID is out of range");
    anchor.nodes.push_back(std::move(node));
  }
  for (const Json& name : kube::at_path(json, {"options"}))
    if (name.is_string()) anchor.options.insert(name.get<std::string>());
  if (anchor.nodes.empty() || anchor.founder().witness) return corrupt("it has no founder");
  return anchor;
}

int64_t count_nodes(const Anchor& anchor, const std::string& zone, bool witnesses) {
  return std::count_if(anchor.nodes.begin(), anchor.nodes.end(), [&](const AnchorNode& node) {
    return node.zone == zone && node.witness == witnesses;
  });
}

/// How many nodes of a kind a zone asks for.
int64_t wanted_nodes(const api::Zone& zone, bool witnesses) {
  if (zone.witness) return witnesses ? 1 : 0;
  return witnesses ? 0 : zone.brokers;
}

}  // namespace

Anchor make_anchor(const api::KafkaCluster& cluster, size_t ordinal, base::Random& random) {
  const api::Region& region = cluster.regions[ordinal];
  Anchor anchor;
  anchor.region = region.name;
  anchor.ordinal = ordinal;
  anchor.cluster_id = base::Uuid::random(random);
  add_nodes(anchor, region);
  return anchor;
}

bool add_nodes(Anchor& anchor, const api::Region& region) {
  size_t before = anchor.nodes.size();
  // IDs are never given twice: all that ever were given stand in the anchor.
  int64_t next = (before == 0 ? api::node_id_base(anchor.ordinal) : anchor.nodes.back().id) + 1;
  for (bool witnesses : {false, true})
    for (const api::Zone& zone : region.zones)
      for (int64_t has = count_nodes(anchor, zone.name, witnesses);
           has < wanted_nodes(zone, witnesses); ++has)
        anchor.nodes.push_back({next++, zone.name, witnesses});
  return anchor.nodes.size() > before;
}

std::vector<AnchorNode> surplus_nodes(const Anchor& anchor, const api::Region& region) {
  std::map<std::pair<std::string, bool>, int64_t> left;
  for (const api::Zone& zone : region.zones)
    for (bool witnesses : {false, true})
      left[{zone.name, witnesses}] = wanted_nodes(zone, witnesses);
  std::vector<AnchorNode> out;
  for (const AnchorNode& node : anchor.nodes)
    if (left[{node.zone, node.witness}]-- <= 0) out.push_back(node);
  return out;
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
