// What nodes know of their cluster, held against each other.
#pragma once

#include <map>
#include <string>

#include "broker/app/node.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

/// Whoever knows the metadata up to the same offset knows the same: the controller that decided it,
/// who read the log, and who began with a snapshot. And listeners are told of all that changes.
class Images {
 public:
  explicit Images(Findings& findings) : findings_(findings) {}

  /// Of a node that has not been started yet.
  void watch(const std::string& host, broker::app::Node& node);
  void learned(const std::string& host,
               const broker::metadata::Shared<broker::metadata::MetadataImage>& image);

 private:
  struct Known {
    std::string host;
    broker::metadata::Shared<broker::metadata::MetadataImage> image;
  };

  Findings& findings_;
  std::map<int64_t, Known> known_;  // by offset; who was the first to know
};

}  // namespace longhaul::sim
