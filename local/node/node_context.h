// What the parts of a node share.
#pragma once

#include <chrono>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "local/api/api.h"
#include "local/node/pod_plan.h"

namespace longhaul::local {

struct NodeOptions {
  std::string name = "local";            // spec.nodeName of its pods
  std::string directory;                 // pods, volumes, logs
  std::string addresses = "127.77.0.0";  // the first of its pods' addresses
  Images images;
  /// Waits before a container that ended is started again: none, then this, doubled each time up
  /// to the limit. A container that ran for longer than the limit begins anew.
  std::chrono::milliseconds back_off{1'000}, back_off_limit{30'000};
};

/// All must outlive whoever holds it. `loop` runs everything; `workers` what blocks.
struct NodeContext {
  Api& api;
  base::FileSystem& files;
  const base::Clock& clock;
  base::EventLoop& loop;
  base::Executor& workers;
  base::Logger log;
  NodeOptions options;

  std::string now() const;
  /// Makes an Event about `object`, or counts up the one that says the same. Failing to is logged.
  void event(const Json& object, const std::string& type, const std::string& reason,
             const std::string& message);
};

}  // namespace longhaul::local
