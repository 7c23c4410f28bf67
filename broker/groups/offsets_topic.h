// `__consumer_offsets` as the coordinator sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::groups {

/// A record to write; no value is a tombstone.
struct KeyValue {
  base::Bytes key;
  std::optional<base::Bytes> value;
};

/// A stretch of a partition's log: whole batches, and where to go on.
struct LogChunk {
  base::Bytes batches;
  int64_t next_offset = 0;
  bool at_end = false;
};

/// The partitions of `__consumer_offsets` that this broker leads. Calls come from the coordinator's
/// loop, and every callback runs on it later.
class OffsetsTopic {
 public:
  virtual ~OffsetsTopic() = default;

  /// Writes `records` as one batch. `done` gets kNone once the batch is committed (acks=all), which
  /// takes as long as it takes, or why it will not be while this broker leads.
  virtual void append(int32_t partition, std::vector<KeyValue> records,
                      base::Callback<void(protocol::ErrorCode)> done) = 0;

  /// Reads committed batches from `offset` on, some at a time.
  virtual void read(int32_t partition, int64_t offset,
                    base::Callback<void(protocol::KafkaResult<LogChunk>)> done) = 0;
};

}  // namespace longhaul::broker::groups
