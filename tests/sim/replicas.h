// Looks into the machines: what should be the same on all of them is.
#pragma once

#include <optional>
#include <string>

#include "tests/sim/region.h"
#include "tests/sim/topics.h"

namespace longhaul::sim {

/// For a region that has settled and in which nobody writes.
class Replicas {
 public:
  Replicas(Region& region, const Topics& topics) : region_(region), topics_(topics) {}

  /// Absent if all replicas of each partition end at the same offset, which is their high
  /// watermark.
  std::optional<std::string> who_is_behind() const;
  /// Each replica has the same bytes, as far as it still has them; and so has each copy of the
  /// metadata log.
  void check() const;

 private:
  void check_partition(const std::string& topic, const PartitionId& partition) const;
  void check_metadata() const;

  Region& region_;
  const Topics& topics_;
};

}  // namespace longhaul::sim
