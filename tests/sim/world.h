// What everything in one simulation shares.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/trace.h"
#include "tests/support/simulation.h"

namespace longhaul::sim {

/// What was seen that must not be. A run without findings is a good one.
class Findings {
 public:
  explicit Findings(Trace& trace) : trace_(trace) {}

  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    all_.push_back(fmt::format(format, std::forward<Args>(args)...));
    trace_.line("!!!", "{}", all_.back());
  }
  bool empty() const { return all_.empty(); }
  const std::vector<std::string>& all() const { return all_; }

 private:
  Trace& trace_;
  std::vector<std::string> all_;
};

/// How often each kind of thing has happened.
using Counts = std::map<std::string, uint64_t>;

struct World {
  World(uint64_t seed, Trace::Keep keep)
      : simulation(seed), trace(simulation, keep), findings(trace) {}

  base::Random& random() { return simulation.random(); }

  Simulation simulation;
  Trace trace;
  Findings findings;
  Counts counts;
};

}  // namespace longhaul::sim
