// What a node tells the controller of itself (KIP-631, KIP-919).
#pragma once

#include <string>
#include <vector>

#include "base/uuid.h"
#include "broker/config/broker_config.h"
#include "protocol/messages/broker_registration.h"
#include "protocol/messages/controller_registration.h"

namespace longhaul::broker::app {

/// `advertised`: where clients reach which listener; those of controllers are left out.
/// `directories`: the IDs of the log directories. `incarnation`: of this run of the process.
/// `previous_epoch`: the epoch in which the run before stopped in order, or -1 (KIP-966).
protocol::BrokerRegistrationRequest registration_of(const config::BrokerConfig& config,
                                                    const std::string& cluster_id,
                                                    const std::vector<config::Listener>& advertised,
                                                    std::vector<base::Uuid> directories,
                                                    const base::Uuid& incarnation,
                                                    int64_t previous_epoch);

/// The same for a node that is a controller: only its controllers' listeners.
protocol::ControllerRegistrationRequest controller_registration_of(
    const config::BrokerConfig& config, const std::vector<config::Listener>& advertised,
    const base::Uuid& incarnation);

}  // namespace longhaul::broker::app
