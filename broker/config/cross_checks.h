// What the options of a file say together.
#pragma once

#include <string>
#include <vector>

#include "broker/config/broker_config.h"

namespace longhaul::broker::config {

/// Fills the fields of `config` from `config.file`; what contradicts adds a line to `errors`, and
/// what hardly anybody can want one to `warnings`.
void derive(BrokerConfig& config, std::vector<std::string>& errors,
            std::vector<std::string>& warnings);

}  // namespace longhaul::broker::config
