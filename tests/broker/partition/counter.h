#pragma once

#include "broker/partition/waiters.h"

namespace longhaul::broker::partition {

/// Counts how often it was told.
struct Counter final : Watcher {
  void notify() override { ++told; }
  int told = 0;
};

}  // namespace longhaul::broker::partition
