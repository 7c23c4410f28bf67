// What the log room is made with.
#pragma once

#include <memory>

#include "broker/app/log_repair.h"
#include "broker/app/node.h"

namespace longhaul::broker::app {

/// `config` and `environment` outlive what is made with these.
log::LogManager::Params log_manager_params(const config::BrokerConfig& config,
                                           NodeEnvironment& environment);
log::LogCleaner::Params log_cleaner_params(const config::BrokerConfig& config,
                                           const NodeEnvironment& environment,
                                           log::LogManager& logs,
                                           const std::shared_ptr<LogRepair>& repair);
log::LogScrubber::Params log_scrubber_params(const config::BrokerConfig& config,
                                             const NodeEnvironment& environment,
                                             log::LogManager& logs,
                                             const std::shared_ptr<LogRepair>& repair);

}  // namespace longhaul::broker::app
