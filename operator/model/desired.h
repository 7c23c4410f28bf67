// What a region's objects shall look like: pure functions of the KafkaCluster and the anchor.
#pragma once

#include <map>
#include <string>

#include "operator/api/kafka_cluster.h"
#include "operator/kube/object.h"
#include "operator/model/anchor.h"
#include "operator/model/names.h"

namespace longhaul::op::model {

/// What brokers tell clients as their address.
enum class Advertise {
  kDns,    ///< the pod's name under the headless service
  kPodIp,  ///< the pod's address, where there is no cluster DNS
};

/// What the operator was started with.
struct ModelOptions {
  std::string image_repository = "longhaul/longhaul";  // the tag is spec.version
  Advertise advertise = Advertise::kDns;
};

/// Everything that desired objects depend on. The references must outlive it.
struct RegionModel {
  const api::KafkaCluster& cluster;
  const kube::Json& owner;  // the KafkaCluster object
  const Anchor& anchor;
  const ModelOptions& options;
  /// By node ID; used where pods have no names in DNS.
  const std::map<int64_t, std::string>& pod_ips;

  const api::Region& region() const { return cluster.regions[anchor.ordinal]; }
};

/// Labels that every object of a region has.
kube::Json object_labels(const std::string& cluster, const std::string& region);

/// By its labels.
bool is_of_region(const kube::Json& object, const std::string& cluster, const std::string& region);

/// server.properties of a broker; values may hold ${env:NAME}. All but the controllers that it
/// asks at first: those come and go without a restart.
std::string lasting_properties(const RegionModel& model, const AnchorNode& node);

/// What of them a broker takes over by a restart only: the values of options that change while it
/// runs (api::changes_while_running) are left out. Such an option counts all the same when it comes
/// or goes, for a running broker keeps what it had from its file.
std::string restart_properties(const RegionModel& model, const AnchorNode& node);

/// What a broker would say of the whole of its server.properties at its start, and refuse to start
/// for; for a cluster that is valid by itself (api::validate).
api::FieldErrors check_effective_config(const api::KafkaCluster& cluster);

/// Where a broker is reached by others of its region and by clients: a name, or (kPodIp) the
/// address its pod has now, empty if none.
std::string broker_host(const RegionModel& model, const AnchorNode& node);
/// The line of server.properties that names controllers, which tell a node without metadata who
/// leads the quorum: itself, and up to five nodes from as many zones as there are.
std::string bootstrap_property(const RegionModel& model, const AnchorNode& node);

kube::Json broker_config_map(const RegionModel& model, const AnchorNode& node);
/// Takes the bootstrap_property of a live ConfigMap over.
void keep_bootstrap_property(kube::Json& config_map, const kube::Json& live);
/// Takes all but the bootstrap_property of a live ConfigMap over.
void keep_lasting_properties(kube::Json& config_map, const kube::Json& live);
/// `birth` says what the broker may do with an empty volume.
kube::Json stateful_set(const RegionModel& model, const AnchorNode& node);
/// persistentVolumeClaimRetentionPolicy of the StatefulSets.
kube::Json retention_policy(const RegionModel& model);
/// Whether a pod, or a template of pods, gives its broker leave to found a region.
bool may_found(const kube::Json& pod);
/// The template annotation (kTemplateAnnotation) that an up-to-date pod of this node has. What a
/// broker needs only to be born (kFormatVariable, bootstrap_property) does not count in it.
std::string template_hash(const RegionModel& model, const AnchorNode& node);
/// The template annotation of what a StatefulSet's next pod is made from.
std::string next_template_hash(const kube::Json& stateful_set);
/// Gives each broker a name; also for pods that are not ready.
kube::Json headless_service(const RegionModel& model);
/// Where clients begin; ready pods only.
kube::Json bootstrap_service(const RegionModel& model);
kube::Json pod_disruption_budget(const RegionModel& model);
kube::Json service_account(const RegionModel& model);

/// "HOST:PORT" of the first listener under the bootstrap service.
std::string bootstrap_address(const RegionModel& model);

/// An object of the region: name, labels, owner.
kube::Json owned_object(const RegionModel& model, const kube::ResourceType& type,
                        const std::string& name);
/// 64 bits of FNV-1a over the text, in hexadecimal.
std::string stable_hash(const std::string& text);

}  // namespace longhaul::op::model
