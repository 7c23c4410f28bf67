// Transaction markers: the control batches that end a transaction (KIP-98).
#pragma once

#include <cstdint>
#include <optional>

#include "records/batch.h"

namespace longhaul::broker::log {

struct EndMarker {
  bool commit = false;
  int32_t coordinator_epoch = 0;
};

/// The marker that a control batch holds; absent if it holds something else (a leader change, a
/// snapshot's header ...) or is malformed. `batch.bytes` is the whole batch.
std::optional<EndMarker> parse_end_marker(const records::BatchView& batch);

}  // namespace longhaul::broker::log
