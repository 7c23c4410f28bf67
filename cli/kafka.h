// The Kafka cluster that a command means.
#pragma once

#include <vector>

#include "cli/commands.h"
#include "client/endpoint.h"

namespace longhaul::cli {

/// From --bootstrap, or the addresses of the only cluster (or the one that is named) of the
/// running `up`. The error says what there is to choose from.
base::Result<std::vector<client::Endpoint>> find_brokers(const GlobalOptions& global,
                                                         const KafkaOptions& kafka);

/// "host:port,host:port"; kInvalidArgument.
base::Result<std::vector<client::Endpoint>> parse_endpoints(const std::string& list);

}  // namespace longhaul::cli
