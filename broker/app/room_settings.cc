#include "broker/app/room_settings.h"

#include <algorithm>
#include <chrono>

#include "broker/config/option_table.h"
#include "broker/config/value.h"
#include "broker/partition/topic_settings.h"

namespace longhaul::broker::app {

groups::GroupConfig group_config(const config::BrokerConfig& config) {
  return {.min_session_timeout_ms = config.integer("group.min.session.timeout.ms"),
          .max_session_timeout_ms = config.integer("group.max.session.timeout.ms"),
          .initial_rebalance_delay_ms = config.integer("group.initial.rebalance.delay.ms"),
          .max_group_size = config.integer("group.max.size"),
          .offset_metadata_max_bytes = config.integer("offset.metadata.max.bytes"),
          .offsets_retention_ms = int64_t{60'000} * config.integer("offsets.retention.minutes"),
          .retention_check_interval_ms = config.long_integer("offsets.retention.check.interval.ms"),
          .commit_timeout_ms = config.integer("offsets.commit.timeout.ms")};
}

metadata::ControllerSettings controller_settings(const config::BrokerConfig& config,
                                                 const std::string& cluster_id) {
  return {.node_id = config.node_id,
          .cluster_id = cluster_id,
          .default_partitions = config.integer("num.partitions"),
          .default_replication_factor =
              static_cast<int16_t>(config.integer("default.replication.factor")),
          .offsets_replication_factor =
              static_cast<int16_t>(config.integer("offsets.topic.replication.factor")),
          .delete_topics = config.boolean("delete.topic.enable"),
          .region_ordinal = config.integer("longhaul.region.ordinal")};
}

metadata::UpkeepSettings upkeep_settings(const config::BrokerConfig& config) {
  metadata::UpkeepSettings settings;
  settings.session_timeout = std::chrono::milliseconds(config.integer("broker.session.timeout.ms"));
  if (config.boolean("auto.leader.rebalance.enable")) {
    // Beyond this it is as good as never, and a timer's arithmetic stays within bounds.
    constexpr int64_t kLongest = int64_t{1} << 30;
    settings.balance_interval = std::chrono::seconds(
        std::min(config.long_integer("leader.imbalance.check.interval.seconds"), kLongest));
  }
  return settings;
}

metadata::MetadataLogOptions metadata_log_options(const config::BrokerConfig& config) {
  return {.segment_bytes = config.integer("metadata.log.segment.bytes"),
          .segment_ms = config.long_integer("metadata.log.segment.ms"),
          .retention_bytes = config.long_integer("metadata.max.retention.bytes"),
          .retention_ms = config.long_integer("metadata.max.retention.ms"),
          .snapshot_after_bytes =
              config.long_integer("metadata.log.max.record.bytes.between.snapshots"),
          .snapshot_after_ms = config.long_integer("metadata.log.max.snapshot.interval.ms")};
}

namespace {

std::chrono::seconds quota_window(const config::BrokerConfig& config, const std::string& quota) {
  constexpr int64_t kLongest = 3600;
  int64_t windows = config.integer(quota + ".window.num");
  int64_t seconds = windows * config.integer(quota + ".window.size.seconds");
  return std::chrono::seconds(std::min(seconds, kLongest));
}

}  // namespace

std::chrono::seconds replication_quota_window(const config::BrokerConfig& config) {
  return quota_window(config, "replication.quota");
}

std::chrono::seconds move_quota_window(const config::BrokerConfig& config) {
  return quota_window(config, "alter.log.dirs.replication.quota");
}

void set_rates(partition::ReplicationQuotas& quotas, const metadata::MetadataImage& image,
               const config::BrokerConfig& config) {
  config::BrokerLayers layers = partition::broker_layers(image, config);
  auto rate = [&](std::string_view name) {
    const config::Option& option = config::broker_options().get(name);
    return config::value_as_integer(*config::resolve_broker_option(option, layers).value);
  };
  quotas.leader.set_rate(rate("leader.replication.throttled.rate"));
  quotas.follower.set_rate(rate("follower.replication.throttled.rate"));
  quotas.moves.set_rate(rate("replica.alter.log.dirs.io.max.bytes.per.second"));
}

double cleaner_rate(const metadata::MetadataImage& image, const config::BrokerConfig& config) {
  const config::Option& option =
      config::broker_options().get("log.cleaner.io.max.bytes.per.second");
  config::BrokerLayers layers = partition::broker_layers(image, config);
  return config::value_as_double(*config::resolve_broker_option(option, layers).value);
}

}  // namespace longhaul::broker::app
