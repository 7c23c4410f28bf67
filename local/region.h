// A whole region on this machine: its Kubernetes API and its node.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/random.h"
#include "local/api/api.h"
#include "local/node/node_context.h"

namespace longhaul::local {

struct RegionOptions {
  std::string name = "local";            // of the context in the kubeconfig, and the node's
  std::string directory;                 // objects, pods, volumes, logs; made if absent
  uint16_t port = 0;                     // of the API; 0: the kernel picks
  std::string addresses = "127.77.0.0";  // of its pods
  Images images;
};

/// Serves an API on loopback and runs its pods. What it holds survives in its directory.
class Region {
 public:
  /// All must outlive the region. kAlreadyExists if the port is taken, kCorrupt if the directory
  /// holds what cannot be read.
  static base::Result<std::unique_ptr<Region>> start(base::FileSystem& files,
                                                     const base::Clock& clock, base::Random& random,
                                                     base::Logger log, RegionOptions options);
  /// Kills what still runs.
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  Api& api();
  std::string url() const;
  uint16_t port() const;
  /// A kubeconfig for the API, in the region's directory.
  const std::string& kubeconfig() const;

  /// Runs the pods that the API holds, and those to come. Until then there are none.
  base::Result<void> start_node();
  /// Ends all pods gracefully; the API goes on.
  void stop_pods();

 private:
  struct Impl;
  explicit Region(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::local
