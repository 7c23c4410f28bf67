// What a topic's options mean to its partitions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "broker/config/broker_config.h"
#include "broker/log/log_config.h"
#include "broker/metadata/image.h"
#include "records/batch.h"
#include "records/compression.h"

namespace longhaul::broker::partition {

/// The options of a topic as they are in effect. Names are Kafka's.
struct TopicSettings {
  log::LogConfig log;
  int32_t min_insync_replicas = 1;
  std::optional<records::Codec> codec;  // compression.type; absent: as the producer did
  records::CompressionLevels levels;    // compression.*.level
};

/// What is set for this broker, by the metadata and in its file. The views live as long as both.
config::BrokerLayers broker_layers(const metadata::MetadataImage& image,
                                   const config::BrokerConfig& broker);

/// The topic's own options, else the broker's, else the defaults.
std::shared_ptr<const TopicSettings> resolve_topic_settings(const std::string& topic,
                                                            const metadata::MetadataImage& image,
                                                            const config::BrokerConfig& broker);

}  // namespace longhaul::broker::partition
