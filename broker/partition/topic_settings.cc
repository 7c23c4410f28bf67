#include "broker/partition/topic_settings.h"

#include <charconv>
#include <string>

#include "broker/config/topic_config.h"

namespace longhaul::broker::partition {
namespace {

std::optional<records::Codec> codec_of(const std::string& name) {
  if (name == "uncompressed") return records::Codec::kNone;
  for (auto codec : {records::Codec::kGzip, records::Codec::kSnappy, records::Codec::kLz4,
                     records::Codec::kZstd}) {
    if (records::codec_name(codec) == name) return codec;
  }
  return std::nullopt;  // "producer"
}

log::LogConfig log_config(const config::TopicConfig& topic) {
  log::LogConfig log;
  log.segment_bytes = topic.segment_bytes;
  log.segment_ms = topic.segment_ms;
  log.segment_jitter_ms = topic.segment_jitter_ms;
  log.segment_index_bytes = topic.segment_index_bytes;
  log.index_interval_bytes = topic.index_interval_bytes;
  log.retention_ms = topic.retention_ms;
  log.retention_bytes = topic.retention_bytes;
  log.file_delete_delay_ms = topic.file_delete_delay_ms;
  log.cleanup_delete = topic.deletes;
  log.cleanup_compact = topic.compacts;
  log.flush_messages = topic.flush_messages;
  log.flush_ms = topic.flush_ms;
  log.max_message_bytes = topic.max_message_bytes;
  log.message_timestamp_type = topic.log_append_time ? records::TimestampType::kLogAppendTime
                                                     : records::TimestampType::kCreateTime;
  log.message_timestamp_before_max_ms = topic.timestamp_before_max_ms;
  log.message_timestamp_after_max_ms = topic.timestamp_after_max_ms;
  log.min_cleanable_dirty_ratio = topic.min_cleanable_dirty_ratio;
  log.min_compaction_lag_ms = topic.min_compaction_lag_ms;
  log.max_compaction_lag_ms = topic.max_compaction_lag_ms;
  log.delete_retention_ms = topic.delete_retention_ms;
  return log;
}

std::pair<int32_t, int32_t> partition_and_broker(const std::string& item) {
  std::pair<int32_t, int32_t> both{-1, -1};
  const char* end = item.data() + item.size();
  auto partition = std::from_chars(item.data(), end, both.first);
  if (partition.ptr != end) std::from_chars(partition.ptr + 1, end, both.second);
  return both;
}

}  // namespace

ThrottledReplicas::ThrottledReplicas(const std::vector<std::string>& items) {
  for (const std::string& item : items) {
    if (item == "*") all_ = true;
    if (item != "*") named_.insert(partition_and_broker(item));
  }
}

bool ThrottledReplicas::contains(int32_t partition, int32_t broker) const {
  return all_ || named_.contains({partition, broker});
}

config::BrokerLayers broker_layers(const metadata::MetadataImage& image,
                                   const config::BrokerConfig& broker) {
  using metadata::ResourceType;
  return {.broker = &image.config({ResourceType::kBroker, std::to_string(broker.node_id)}),
          .cluster_default = &image.config({ResourceType::kBroker, ""}),
          .file = &broker.file};
}

std::shared_ptr<const TopicSettings> resolve_topic_settings(const std::string& topic,
                                                            const metadata::MetadataImage& image,
                                                            const config::BrokerConfig& broker) {
  auto own = image.config({metadata::ResourceType::kTopic, topic});
  auto resolved = config::resolve_topic_config(own, broker_layers(image, broker));
  auto settings = std::make_shared<TopicSettings>();
  settings->log = log_config(resolved);
  settings->min_insync_replicas = resolved.min_insync_replicas;
  settings->on_disk = resolved.on_disk;
  settings->codec = codec_of(resolved.compression_type);
  settings->levels = {.gzip = resolved.compression_gzip_level,
                      .lz4 = resolved.compression_lz4_level,
                      .zstd = resolved.compression_zstd_level};
  settings->leader_throttled = ThrottledReplicas(resolved.leader_throttled_replicas);
  settings->follower_throttled = ThrottledReplicas(resolved.follower_throttled_replicas);
  return settings;
}

}  // namespace longhaul::broker::partition
