// One direction of a simulated connection.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

class Pipe;

/// The way from one machine to another, which all connections between them share.
struct Route {
  explicit Route(World& in) : world(in) {}

  World& world;
  bool cut = false;         // what would arrive waits
  Time delay{0};            // on top of what a connection has
  uint64_t sent = 0;        // pieces
  uint64_t newest = 0;      // of those that arrived
  std::vector<Pipe*> held;  // pipes with something that waits
};

/// Bytes arrive some time after they were written, in their order, in pieces as it happens.
class Pipe {
 public:
  Pipe(Route& route, Time latency)
      : route_(route), simulation_(route.world.simulation), latency_(latency) {}
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  /// Before anything is written. Neither runs inside a function of this pipe.
  void read_by(std::function<void(base::Bytes)> arrived, std::function<void()> ended);
  void write(base::Bytes bytes);
  /// The reader is told behind the last byte. Nothing is written any more.
  void end();
  /// What is on its way is lost, as far as the seed wants it; then the end. Returns how many pieces
  /// are lost.
  size_t cut();
  /// The reader is gone: nothing arrives anywhere.
  void abandon();
  /// The route is whole again: what waited arrives.
  void resume();

  bool is_empty() const { return on_their_way_.empty(); }
  uint64_t written() const { return written_; }  // bytes
  uint64_t arrived() const { return arrived_bytes_; }

 private:
  struct Piece {
    base::Bytes bytes;  // empty: the end
    uint64_t number = 0;
  };
  void push(Piece piece);
  void schedule();
  void arrive();

  Route& route_;
  Simulation& simulation_;
  const Time latency_;
  std::function<void(base::Bytes)> arrived_;
  std::function<void()> ended_;
  std::deque<Piece> on_their_way_;
  size_t waiting_ = 0;  // of those, at the end of a route that is cut
  uint64_t written_ = 0;
  uint64_t arrived_bytes_ = 0;
  bool ends_ = false;
};

/// Both directions, as the two ends share them.
struct Link {
  Link(Route& there, Route& back, Time latency)
      : to_server(there, latency), to_client(back, latency) {}
  Pipe to_server;
  Pipe to_client;
};

}  // namespace longhaul::sim
