// Looks into the machines: what should be the same on all of them is.
#pragma once

#include <optional>
#include <string>

#include "tests/sim/region.h"

namespace longhaul::sim {

/// For a region that has settled and in which nobody writes.
class Replicas {
 public:
  explicit Replicas(Region& region) : region_(region) {}

  /// Absent if replicas are where the metadata say and nowhere else, and all replicas of each
  /// partition end at the same offset, which is their high watermark.
  std::optional<std::string> what_is_amiss() const;
  /// Each replica has the same bytes, as far as it still has them; where logs are compacted, the
  /// same newest value of each key. And each copy of the metadata log has the same bytes. At a
  /// moment at which nothing is amiss.
  void check() const;

 private:
  using Image = broker::metadata::Shared<broker::metadata::MetadataImage>;
  /// What is known by whoever knows most. Null if somebody does not run.
  Image newest_image() const;
  std::optional<std::string> who_is_behind(const broker::metadata::Topic& topic,
                                           int32_t index) const;
  std::optional<std::string> who_has_too_much(const broker::metadata::MetadataImage& image,
                                              Host& host) const;
  void check_partition(const broker::metadata::Topic& topic, int32_t index) const;
  void check_metadata() const;

  Region& region_;
};

}  // namespace longhaul::sim
