// How a node reaches the other replicas of the metadata log, from its configuration.
#pragma once

#include <vector>

#include "broker/app/node.h"
#include "broker/config/broker_config.h"
#include "broker/metadata/quorum_driver.h"
#include "broker/raft/types.h"

namespace longhaul::broker::app {

/// controller.quorum.*
metadata::QuorumNetwork quorum_network(const config::BrokerConfig& config,
                                       const NodeEnvironment& environment);

/// Those of `listeners` that are controllers'.
std::vector<raft::Endpoint> controller_endpoints(const config::BrokerConfig& config,
                                                 const std::vector<config::Listener>& listeners);

}  // namespace longhaul::broker::app
