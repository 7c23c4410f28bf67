// `longhaul-broker server.properties`.
#pragma once

#include <string>

#include "base/result.h"

namespace longhaul::broker::app {

/// Runs a broker until SIGTERM or SIGINT, or until it cannot go on, which is an error for the
/// person who started it.
base::Result<void> run_server(const std::string& config_file);

}  // namespace longhaul::broker::app
