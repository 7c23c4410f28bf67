// What a topic's options mean to its partitions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/config/broker_config.h"
#include "broker/log/log_config.h"
#include "broker/metadata/image.h"
#include "records/batch.h"
#include "records/compression.h"

namespace longhaul::broker::partition {

/// The replicas of a topic that *.replication.throttled.replicas names (KIP-73).
class ThrottledReplicas {
 public:
  /// Each PARTITION:BROKER, or "*" for all; as the option's check lets through.
  explicit ThrottledReplicas(const std::vector<std::string>& items = {});
  bool contains(int32_t partition, int32_t broker) const;

 private:
  bool all_ = false;
  std::set<std::pair<int32_t, int32_t>> named_;
};

/// The options of a topic as they are in effect. Names are Kafka's.
struct TopicSettings {
  log::LogConfig log;
  int32_t min_insync_replicas = 1;
  bool on_disk = false;  // longhaul.durability=fsync: what is not on a disk is not committed
  std::optional<records::Codec> codec;  // compression.type; absent: as the producer did
  records::CompressionLevels levels;    // compression.*.level
  ThrottledReplicas leader_throttled;
  ThrottledReplicas follower_throttled;
};

/// What is set for this broker, by the metadata and in its file. The views live as long as both.
config::BrokerLayers broker_layers(const metadata::MetadataImage& image,
                                   const config::BrokerConfig& broker);

/// The topic's own options, else the broker's, else the defaults.
std::shared_ptr<const TopicSettings> resolve_topic_settings(const std::string& topic,
                                                            const metadata::MetadataImage& image,
                                                            const config::BrokerConfig& broker);

}  // namespace longhaul::broker::partition
