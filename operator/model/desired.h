// What a region's objects shall look like: pure functions of the KafkaCluster and the anchor.
#pragma once

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

  const api::Region& region() const { return cluster.regions[anchor.ordinal]; }
};

/// Labels that every object of a region has.
kube::Json object_labels(const std::string& cluster, const std::string& region);

/// server.properties of a broker; values may hold ${env:NAME}.
std::string server_properties(const RegionModel& model, const AnchorNode& node);

kube::Json broker_config_map(const RegionModel& model, const AnchorNode& node);
/// `birth` says what the broker may do with an empty volume.
kube::Json stateful_set(const RegionModel& model, const AnchorNode& node);
/// The template annotation (kTemplateAnnotation) that an up-to-date pod of this node has.
std::string template_hash(const RegionModel& model, const AnchorNode& node);
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
