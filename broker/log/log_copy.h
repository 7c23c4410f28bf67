// A log that is copied to another directory while it is in use (KIP-113).
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "broker/log/log.h"

namespace longhaul::broker::log {

/// What one step brought.
struct Copied {
  uint64_t bytes = 0;
  bool caught_up = false;  // the copy begins and ends where the log does
};

/// The batches of `log` behind the end of its copy: about `max_bytes`, or one at least. Empty if
/// there are none, or retention has just taken them. Reads the disk. CORRUPT_MESSAGE,
/// KAFKA_STORAGE_ERROR.
LogResult<base::Bytes> read_missing(Log& log, const Log& copy, uint64_t max_bytes);
/// Appends them, unless `log` was cut back since they were read; start and high watermark follow.
/// Nobody else writes to the copy meanwhile, or cuts one of the two. Errors as above, and as
/// Log::append_as_follower.
LogResult<Copied> append_missing(const Log& log, Log& copy, base::ByteView batches);
/// After a start either may have lost what was not on its disk: cuts off what the log does not
/// have.
/// A copy that begins behind its log is emptied.
base::Result<void> cut_to_match(const Log& log, Log& copy);

/// The settings of a copy: nothing expires there but with the log itself.
std::shared_ptr<const LogConfig> config_of_copy(const LogConfig& config);

}  // namespace longhaul::broker::log
