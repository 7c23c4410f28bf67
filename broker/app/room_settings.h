// What rooms need to know of the configuration.
#pragma once

#include <string>

#include "broker/config/broker_config.h"
#include "broker/groups/coordinator.h"
#include "broker/metadata/controller.h"
#include "broker/metadata/metadata_log.h"
#include "broker/metadata/upkeep.h"
#include "broker/partition/replication_quota.h"

namespace longhaul::broker::app {

groups::GroupConfig group_config(const config::BrokerConfig& config);
metadata::ControllerSettings controller_settings(const config::BrokerConfig& config,
                                                 const std::string& cluster_id);
metadata::UpkeepSettings upkeep_settings(const config::BrokerConfig& config);
metadata::MetadataLogOptions metadata_log_options(const config::BrokerConfig& config);
/// What replication.quota.window.* say.
std::chrono::seconds replication_quota_window(const config::BrokerConfig& config);
/// Of moves between log directories.
std::chrono::seconds move_quota_window(const config::BrokerConfig& config);
/// The rates that are set for this broker in the image.
void set_rates(partition::ReplicationQuotas& quotas, const metadata::MetadataImage& image,
               const config::BrokerConfig& config);
/// log.cleaner.io.max.bytes.per.second, likewise.
double cleaner_rate(const metadata::MetadataImage& image, const config::BrokerConfig& config);

}  // namespace longhaul::broker::app
