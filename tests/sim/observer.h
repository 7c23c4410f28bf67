// Whoever asks all nodes what they know of the cluster, again and again.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "tests/sim/actor.h"

namespace longhaul::sim {

/// Holds what nodes say against each other: a partition has one leader in each of its epochs. And
/// against itself: who is fenced is in sync nowhere (KIP-841), and a leader's high watermark never
/// goes back within its epoch.
class Observer final : public Actor {
 public:
  Observer(Region& region, const ConnectionOptions& options) : Actor(region, "observer", options) {}

  /// The node said at or after `since` that it is in sync with the leaders of all its partitions.
  bool is_in_sync(int32_t node, Time since) const;
  /// Every node said so, and that all partitions have a leader and all their replicas in sync.
  bool has_settled(Time since) const;

 private:
  struct View {
    Time since{-1};       // of what was last heard, when that was asked for
    bool whole = false;   // all replicas are in sync
    bool itself = false;  // it is, wherever it has one
  };
  void work() override;
  void look(int32_t node);
  void look_into(Host& host);
  template <class Response>
  View view_of(int32_t node, const Response& response);

  /// What a node says of a partition, if it said something else before.
  void note(int32_t node, const PartitionId& id, std::string state);

  std::map<int32_t, View> views_;
  std::map<std::pair<int32_t, PartitionId>, std::string> states_;  // as nodes said
  std::map<std::pair<PartitionId, int32_t>, int32_t> leaders_;     // by epoch
  struct Watermark {
    base::Uuid incarnation;  // of the leader
    int32_t epoch = -1;
    int64_t offset = -1;
  };
  std::map<std::pair<int32_t, PartitionId>, Watermark> watermarks_;  // by node
};

}  // namespace longhaul::sim
