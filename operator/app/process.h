// The operator's process: credentials, leader election, health, and the controller.
#pragma once

#include <signal.h>

#include <string>

#include "base/result.h"
#include "operator/model/desired.h"

namespace longhaul::op::app {

/// Command-line options.
struct ProcessOptions {
  std::string kubeconfig;
  std::string context;
  std::string name_space;
  model::ModelOptions model;
  std::string metrics_address = "0.0.0.0:8080";
  bool leader_elect = true;
  std::string lease_name_space;
  std::string lease_name = "longhaul-operator";
  unsigned workers = 4;
  bool debug = false;
};

/// Runs until one of `signals` (which are blocked in all threads) comes, or until leadership is
/// lost (kUnavailable: the process must end, whoever starts it will start it again).
base::Result<void> run_process(const ProcessOptions& options, const sigset_t& signals);

}  // namespace longhaul::op::app
