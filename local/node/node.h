// The node of a region: runs the pods of its API as processes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "local/node/node_context.h"

namespace longhaul::local {

/// Runs StatefulSets and their pods, binds volume claims. Its work happens on threads of its own.
/// Every process it started ends with it, however it ends.
class Node {
 public:
  /// Takes over the pods that the API holds (their containers are started anew). All must outlive
  /// the node. Errors of its directory or its addresses.
  static base::Result<std::unique_ptr<Node>> start(Api& api, base::FileSystem& files,
                                                   const base::Clock& clock, base::Logger log,
                                                   NodeOptions options);
  /// Kills what still runs.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Ends all pods gracefully, each with its own terminationGracePeriodSeconds, without deleting
  /// them; returns once nothing runs. Nothing is started any more.
  void stop();

 private:
  struct Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::local
