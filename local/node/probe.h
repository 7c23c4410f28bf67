// One attempt of a probe. These block: they run on worker threads.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "local/node/process.h"

namespace longhaul::local {

/// What to try, with names resolved.
struct ProbeTarget {
  enum class Kind { kHttp, kTcp, kExec } kind = Kind::kTcp;
  std::string host;  // address
  uint16_t port = 0;
  std::string path = {};             // HTTP
  std::vector<std::string> headers;  // HTTP: "Name: value"
  Command command = {};              // exec
};

/// A probe of a container (corev1.Probe).
struct Probe {
  ProbeTarget target;
  std::chrono::milliseconds initial_delay{0}, period{10'000}, timeout{1'000};
  int success_threshold = 1, failure_threshold = 3;
};

/// Tries once; the error says what was wrong. HTTP succeeds with a status from 200 to 399, exec
/// with exit code 0.
base::Result<void> try_probe(const ProbeTarget& target, std::chrono::milliseconds timeout);

}  // namespace longhaul::local
