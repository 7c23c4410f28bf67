// `longhaul up`: a whole region on this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace longhaul::cli {

struct UpOptions {
  std::string directory;    // --dir
  std::string example;      // --example FILE; empty: the built-in one
  bool no_example = false;  // --no-example
  bool detach = false;      // --detach
  uint16_t port = 0;        // --port of the Kubernetes API; 0: the last one, or any
  std::string
      addresses;         // --addresses; empty: the last ones, or the first of 127.77.N.0 not in use
  std::string programs;  // --programs; empty: where this program is
  int timeout_seconds = 180;  // --timeout until all is ready
};

/// Runs until SIGINT or SIGTERM; with `detach`, until the example is ready, and leaves a process
/// behind. Gives the exit code.
int run_up(const UpOptions& options);

struct DownOptions {
  std::string directory;
  bool wipe = false;
};

/// Stops what `up` started; with `wipe`, deletes its state too.
int run_down(const DownOptions& options);

}  // namespace longhaul::cli
