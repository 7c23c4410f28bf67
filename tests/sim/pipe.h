// One direction of a simulated connection.
#pragma once

#include <deque>
#include <functional>

#include "base/bytes.h"
#include "tests/support/simulation.h"

namespace longhaul::sim {

/// Bytes arrive some time after they were written, in their order, in pieces as it happens.
class Pipe {
 public:
  Pipe(Simulation& simulation, Time latency) : simulation_(simulation), latency_(latency) {}
  ~Pipe() { simulation_.cancel_all(this); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  /// Before anything is written. Neither runs inside a function of this pipe.
  void read_by(std::function<void(base::Bytes)> arrived, std::function<void()> ended);
  void write(base::Bytes bytes);
  /// The reader is told behind the last byte. Nothing is written any more.
  void end();
  /// What is on its way is lost, as far as the seed wants it; then the end.
  void cut();
  /// The reader is gone: nothing arrives anywhere.
  void abandon();

 private:
  void push(base::Bytes bytes);

  Simulation& simulation_;
  const Time latency_;
  std::function<void(base::Bytes)> arrived_;
  std::function<void()> ended_;
  std::deque<base::Bytes> on_their_way_;  // an empty one is the end
  bool ends_ = false;
};

/// Both directions, as the two ends share them.
struct Link {
  Link(Simulation& simulation, Time latency)
      : to_server(simulation, latency), to_client(simulation, latency) {}
  Pipe to_server;
  Pipe to_client;
};

}  // namespace longhaul::sim
