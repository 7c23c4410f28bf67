// Names, labels and fixed places of the objects that the operator makes.
#pragma once

#include <map>
#include <string>

namespace longhaul::op::model {

inline constexpr const char* kManager = "longhaul-operator";  // server-side apply's field manager
inline constexpr const char* kClusterLabel = "longhaul.dev/cluster";
inline constexpr const char* kRegionLabel = "longhaul.dev/region";
inline constexpr const char* kZoneLabel = "longhaul.dev/zone";
inline constexpr const char* kNodeIdLabel = "longhaul.dev/node-id";
/// On pods: kBrokerRole or kWitnessRole.
inline constexpr const char* kRoleLabel = "longhaul.dev/role";
inline constexpr const char* kBrokerRole = "broker";
inline constexpr const char* kWitnessRole = "witness";
/// Hash of what was last applied to an object.
inline constexpr const char* kAppliedAnnotation = "longhaul.dev/applied";
/// On pods: hash of the template they were made from, birth permission aside.
inline constexpr const char* kTemplateAnnotation = "longhaul.dev/template";

/// What the broker may do with an empty volume.
inline constexpr const char* kFormatVariable = "LONGHAUL_FORMAT";

inline constexpr int kControllerPort = 9093;
inline constexpr int kHealthPort = 9404;

using Labels = std::map<std::string, std::string>;

/// "CLUSTER-REGION": the prefix of everything in a region.
std::string region_prefix(const std::string& cluster, const std::string& region);
/// "CLUSTER-REGION-NODEID": StatefulSet and ConfigMap of a broker. Its pod is named this + "-0".
std::string broker_name(const std::string& cluster, const std::string& region, int64_t node_id);
/// "data-CLUSTER-REGION-NODEID-0": the PersistentVolumeClaim of a broker.
std::string claim_name(const std::string& cluster, const std::string& region, int64_t node_id);
std::string headless_service_name(const std::string& cluster, const std::string& region);
std::string bootstrap_service_name(const std::string& cluster, const std::string& region);
std::string anchor_name(const std::string& cluster, const std::string& region);

/// Labels that select the brokers of a region.
Labels region_labels(const std::string& cluster, const std::string& region);
/// The same as a label selector: "a=b,c=d".
std::string selector(const Labels& labels);

}  // namespace longhaul::op::model
