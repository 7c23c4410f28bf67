// A topic's options with types, as logs and partitions want them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/config/settings.h"

namespace longhaul::broker::config {

/// The options of one topic as they count on a broker. -1 is "no limit" where a limit is meant.
struct TopicConfig {
  bool compacts = false;  // cleanup.policy holds compact
  bool deletes = true;    // cleanup.policy holds delete

  int64_t retention_ms = 0;
  int64_t retention_bytes = 0;  // of one partition

  int32_t segment_bytes = 0;
  int64_t segment_ms = 0;
  int64_t segment_jitter_ms = 0;
  int32_t segment_index_bytes = 0;
  int32_t index_interval_bytes = 0;
  int64_t file_delete_delay_ms = 0;
  bool preallocate = false;

  int64_t flush_messages = 0;
  int64_t flush_ms = 0;

  int32_t max_message_bytes = 0;  // of a batch, as it is stored
  std::string compression_type;   // producer, uncompressed, gzip, snappy, lz4, zstd
  int32_t compression_gzip_level = 0;
  int32_t compression_lz4_level = 0;
  int32_t compression_zstd_level = 0;
  bool log_append_time = false;  // message.timestamp.type
  int64_t timestamp_before_max_ms = 0;
  int64_t timestamp_after_max_ms = 0;

  int64_t delete_retention_ms = 0;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = 0;
  double min_cleanable_dirty_ratio = 0;

  int32_t min_insync_replicas = 0;
  bool on_disk = false;  // longhaul.durability is fsync
  bool unclean_leader_election = false;
  std::vector<std::string> leader_throttled_replicas;    // PARTITION:BROKER, or "*"
  std::vector<std::string> follower_throttled_replicas;  // likewise

  bool operator==(const TopicConfig&) const = default;
};

/// `topic` holds the topic's own options in normal form.
TopicConfig resolve_topic_config(const Overrides& topic, const BrokerLayers& layers);

}  // namespace longhaul::broker::config
