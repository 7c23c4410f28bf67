// A connection between two nodes of a ClusterSim.
#pragma once

#include <functional>
#include <utility>

#include "tests/broker/metadata/cluster_sim.h"

namespace longhaul::broker::metadata {

class SimChannel final : public client::Channel {
 public:
  /// From one run of `from`.
  SimChannel(ClusterSim& sim, int from, int life, int to)
      : sim_(sim), from_(from), life_(life), to_(to) {}

  void send(client::RawRequest request, Answer answer) override;
  bool is_open() const override { return true; }
  void close() override {}

  /// At a node, if it is in the same run then.
  static void later(ClusterSim& sim, int at, int life, std::function<void()> what);

 private:
  ClusterSim& sim_;
  int from_, life_, to_;
};

}  // namespace longhaul::broker::metadata
