// What a broker tells the controller of itself (KIP-631).
#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"
#include "broker/config/broker_config.h"
#include "protocol/messages/broker_registration.h"

namespace longhaul::broker::app {

/// `advertised`: where clients reach which listener; those of controllers are left out.
/// `directories`: the IDs of the log directories. `incarnation`: of this run of the process.
protocol::BrokerRegistrationRequest registration_of(const config::BrokerConfig& config,
                                                    const std::string& cluster_id,
                                                    const std::vector<config::Listener>& advertised,
                                                    std::vector<base::Uuid> directories,
                                                    const base::Uuid& incarnation);

}  // namespace longhaul::broker::app
