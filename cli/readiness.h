// Whether everything in an API is as its spec says.
#pragma once

#include <string>
#include <vector>

#include "local/api/api.h"

namespace longhaul::cli {

struct Readiness {
  bool ready = false;                 // all but what is blocked
  std::string waiting_for;            // one line
  std::vector<std::string> troubles;  // what went wrong with pods, for people
  std::vector<std::string> blocked;   // what only a change by a person makes ready, and why
};

/// Pods first, then KafkaClusters, then KafkaTopics: Ready=True at their generation.
Readiness check_readiness(const local::Api& api);

}  // namespace longhaul::cli
