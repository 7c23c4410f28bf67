// KafkaCluster (longhaul.dev/v1alpha1): the C++ side of crds/kafkaclusters.yaml.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "operator/api/field_reader.h"

namespace longhaul::op::api {

/// How clients reach the brokers on a port of theirs.
enum class ListenerType { kInternal, kLoadBalancer, kNodePort };

struct Listener {
  std::string name = "internal";  // lower-case; unique
  int64_t port = 9092;
  ListenerType type = ListenerType::kInternal;
  bool tls = false;
  std::string authentication;  // empty: none
};

/// A failure domain of a region; its name is the `broker.rack` of its brokers.
struct Zone {
  std::string name;
  int64_t brokers = 1;
  bool witness = false;           // votes only, holds no data
  std::string kubeconfig_secret;  // empty: the region's
};

struct Volume {
  std::string size;                // a Kubernetes quantity
  std::string storage_class_name;  // empty: the default class
};

struct Storage {
  bool retain = true;  // volumes (and with them the anchor) outlive the KafkaCluster
  std::vector<Volume> volumes;
};

/// Container resources as Kubernetes writes them: {"cpu": "500m", "memory": "512Mi"}.
struct Resources {
  std::map<std::string, std::string> requests;
  std::map<std::string, std::string> limits;
};

/// One broker cluster: one metadata quorum, one set of node IDs.
struct Region {
  std::string name;
  std::string kubeconfig_secret;  // empty: the cluster that the operator runs in
  std::vector<Zone> zones;
  Storage storage;
  Resources resources;
};

/// A mirror of topics from one region to another.
struct Link {
  std::string name;
  std::string from;
  std::string to;
  std::vector<std::string> topics;  // patterns
  std::string bandwidth;            // bytes per second as a quantity; empty: no cap
  std::string compression;          // empty: as stored
};

struct KafkaCluster {
  std::string name;
  std::string name_space;
  int64_t generation = 0;

  std::string version;  // of the broker; also the tag of its image
  std::string image;    // the whole image reference; empty: the operator's repository and `version`
  std::map<std::string, std::string> config;  // server.properties
  std::vector<Listener> listeners;
  std::vector<Region> regions;
  std::vector<Link> links;
};

/// Reads the object with its defaults. Mistakes of shape (types, unknown fields) go to `errors`;
/// what could be read is returned.
KafkaCluster read_kafka_cluster(const Json& object, FieldErrors& errors);

/// Mistakes of content: names, ranges, duplicates, references, options the broker does not know.
FieldErrors validate(const KafkaCluster& cluster);

/// Fields that are well-formed and that this version cannot carry out yet, in the order in which
/// they stand in the object.
std::vector<std::string> not_implemented(const KafkaCluster& cluster);

/// Node IDs of a region begin behind this: 1000 × (ordinal + 1), ordinal 0 for the first.
inline int64_t node_id_base(size_t region_ordinal) {
  return 1000 * (static_cast<int64_t>(region_ordinal) + 1);
}

}  // namespace longhaul::op::api
