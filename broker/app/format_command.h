// `longhaul-broker format`.
#pragma once

#include <string>

#include "base/result.h"
#include "broker/config/broker_config.h"

namespace longhaul::broker::app {

struct FormatArguments {
  std::string config_file;
  std::string cluster_id;
  bool standalone = false;
  bool ignore_formatted = false;
};

/// Formats the log directories of a configuration and says so on standard output. The errors are
/// for the person who called it.
base::Result<void> run_format(const FormatArguments& arguments);

/// Reads, expands and checks a server.properties. What does not do what its setter may hope is
/// among the warnings.
base::Result<config::LoadedConfig> read_config_file(const std::string& path);

}  // namespace longhaul::broker::app
