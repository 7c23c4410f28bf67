#include "broker/config/topic_config.h"

#include <algorithm>

#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

/// Reads options of one topic by name.
class TopicReader {
 public:
  TopicReader(const Overrides& topic, const BrokerLayers& layers)
      : topic_(topic), layers_(layers) {}

  std::string text(std::string_view name) const {
    const Option& option = topic_option_table().get(name);
    return resolve_topic_option(option, topic_, layers_).value.value_or("");
  }
  bool boolean(std::string_view name) const { return value_as_boolean(text(name)); }
  int64_t integer(std::string_view name) const { return value_as_integer(text(name)); }
  int32_t int32(std::string_view name) const { return static_cast<int32_t>(integer(name)); }
  double number(std::string_view name) const { return value_as_double(text(name)); }
  std::vector<std::string> list(std::string_view name) const { return value_as_list(text(name)); }
  bool list_has(std::string_view name, std::string_view item) const {
    std::vector<std::string> items = list(name);
    return std::find(items.begin(), items.end(), item) != items.end();
  }

 private:
  const Overrides& topic_;
  const BrokerLayers& layers_;
};

}  // namespace

TopicConfig resolve_topic_config(const Overrides& topic, const BrokerLayers& layers) {
  TopicReader read(topic, layers);
  TopicConfig config;
  config.compacts = read.list_has("cleanup.policy", "compact");
  config.deletes = read.list_has("cleanup.policy", "delete");
  config.retention_ms = read.integer("retention.ms");
  config.retention_bytes = read.integer("retention.bytes");
  config.segment_bytes = read.int32("segment.bytes");
  config.segment_ms = read.integer("segment.ms");
  config.segment_jitter_ms = read.integer("segment.jitter.ms");
  config.segment_index_bytes = read.int32("segment.index.bytes");
  config.index_interval_bytes = read.int32("index.interval.bytes");
  config.file_delete_delay_ms = read.integer("file.delete.delay.ms");
  config.preallocate = read.boolean("preallocate");
  config.flush_messages = read.integer("flush.messages");
  config.flush_ms = read.integer("flush.ms");
  config.max_message_bytes = read.int32("max.message.bytes");
  config.compression_type = read.text("compression.type");
  config.compression_gzip_level = read.int32("compression.gzip.level");
  config.compression_lz4_level = read.int32("compression.lz4.level");
  config.compression_zstd_level = read.int32("compression.zstd.level");
  config.log_append_time = read.text("message.timestamp.type") == "LogAppendTime";
  config.timestamp_before_max_ms = read.integer("message.timestamp.before.max.ms");
  config.timestamp_after_max_ms = read.integer("message.timestamp.after.max.ms");
  config.delete_retention_ms = read.integer("delete.retention.ms");
  config.min_compaction_lag_ms = read.integer("min.compaction.lag.ms");
  config.max_compaction_lag_ms = read.integer("max.compaction.lag.ms");
  config.min_cleanable_dirty_ratio = read.number("min.cleanable.dirty.ratio");
  config.min_insync_replicas = read.int32("min.insync.replicas");
  config.on_disk = read.text("longhaul.durability") == "fsync";
  config.unclean_leader_election = read.boolean("unclean.leader.election.enable");
  config.leader_throttled_replicas = read.list("leader.replication.throttled.replicas");
  config.follower_throttled_replicas = read.list("follower.replication.throttled.replicas");
  return config;
}

}  // namespace longhaul::broker::config
