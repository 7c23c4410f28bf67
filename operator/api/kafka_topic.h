// KafkaTopic (longhaul.dev/v1alpha1): the C++ side of crds/kafkatopics.yaml.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "operator/api/field_reader.h"

namespace longhaul::op::api {

struct KafkaTopic {
  std::string name;  // of the object
  std::string name_space;
  int64_t generation = 0;

  std::string cluster;      // a KafkaCluster in the same namespace
  std::string region;       // empty: the cluster's only region
  std::string topic_name;   // Kafka's; the object's own name if not given
  int64_t partitions = -1;  // -1: the broker's num.partitions
  int64_t replicas = -1;    // -1: the broker's default.replication.factor
  std::map<std::string, std::string> config;
};

/// Reads the object with its defaults. Mistakes of shape go to `errors`.
KafkaTopic read_kafka_topic(const Json& object, FieldErrors& errors);

/// Where check_minimum's option stands.
inline constexpr const char* kMinimumPath = "spec.config[min.insync.replicas]";
/// What is wrong with that option for so many replicas: with more than there are, nothing can be
/// written. Empty: nothing.
std::string check_minimum(const KafkaTopic& topic, int64_t replicas);

/// Mistakes of content.
FieldErrors validate(const KafkaTopic& topic);

}  // namespace longhaul::op::api
