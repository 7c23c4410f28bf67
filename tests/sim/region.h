// The machines of one cluster, and the network between them and to its clients.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/host.h"
#include "tests/sim/images.h"
#include "tests/sim/network.h"

namespace longhaul::sim {

/// What a region is made of.
struct RegionShape {
  int32_t nodes = 1;
  int32_t controllers = 1;  // the first so many are that too
};

class Region {
 public:
  /// Machines are not alike; what they run is the same but for their names.
  Region(World& world, const RegionShape& shape);
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  World& world() { return world_; }
  Network& network() { return network_; }
  Images& images() { return images_; }
  const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }
  Host& host(int32_t id) { return *hosts_.at(static_cast<size_t>(id - 1)); }
  /// Null if no machine has this name.
  Host* find(const std::string& name);
  Host& any_host();
  bool is_alone() const { return hosts_.size() == 1; }
  /// Brokers that have a replica of each partition.
  int16_t replication_factor() const { return hosts_.size() < 3 ? 1 : 3; }

  /// Formats the disks, if there are several: one alone founds its cluster.
  base::Result<void> format();
  base::Result<void> start(Host& host) { return host.start(properties(host)); }

  /// Of those that anybody knows of. Absent: nobody knows of this partition.
  struct Leadership {
    int32_t node = -1;
    int32_t epoch = -1;
    bool is_known_to_itself = false;  // the leader has heard of it
    bool operator==(const Leadership&) const = default;
  };
  std::optional<Leadership> newest_leader(const base::Uuid& topic, int32_t index) const;

  /// All serve and nothing was done to them: nothing is refused for good.
  bool is_well() const;
  /// And for long enough, so that every request was answered in time.
  bool is_undisturbed() const;
  /// Something happens that may last: only `calm` ends it.
  void disturb();
  bool is_disturbed() const { return world_.simulation.now() < disturbed_until_; }
  void calm() { disturbed_until_ = world_.simulation.now(); }

  /// Sets a machine's clock.
  void jump_clock(Host& host, std::chrono::milliseconds by);
  /// The latest that a clock has been.
  int64_t newest_ms() const;

 private:
  std::string properties(const Host& host) const;

  World& world_;
  const RegionShape shape_;
  Network network_;
  Images images_{world_.findings};
  std::string common_properties_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Time disturbed_until_{0};
  int64_t newest_ms_ = 0;
};

}  // namespace longhaul::sim
