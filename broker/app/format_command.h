// `longhaul-broker format`.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "broker/config/broker_config.h"
#include "broker/raft/types.h"

namespace longhaul::broker::app {

struct FormatArguments {
  std::string config_file;
  std::string cluster_id;
  bool standalone = false;
  bool no_initial_controllers = false;  ///< as without it: an observer
  std::string initial_controllers;      ///< ID@HOST:PORT:DIRECTORY_ID,…; empty: not given
  bool ignore_formatted = false;
};

/// Formats the log directories of a configuration and says so on standard output. The errors are
/// for the person who called it.
base::Result<void> run_format(const FormatArguments& arguments);

/// --initial-controllers, as kafka-storage has it: they listen at `listener`. kInvalidArgument.
base::Result<std::vector<raft::Voter>> parse_initial_controllers(const std::string& text,
                                                                 const std::string& listener);

/// Reads, expands and checks a server.properties. What does not do what its setter may hope is
/// among the warnings.
base::Result<config::LoadedConfig> read_config_file(const std::string& path);

}  // namespace longhaul::broker::app
