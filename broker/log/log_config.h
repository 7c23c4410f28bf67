// The settings of one topic's logs, as they are in effect (topic override, else broker default).
#pragma once

#include <cstdint>
#include <limits>

#include "records/batch.h"

namespace longhaul::broker::log {

/// Names are Kafka's, with `_` for `.`; so are the defaults. -1 stands for "no limit" where Kafka
/// has it so. Tiered storage and `preallocate` (sparse on Linux anyway) are not there.
struct LogConfig {
  static constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

  int32_t segment_bytes = 1 << 30;
  int64_t segment_ms = 604'800'000;
  int64_t segment_jitter_ms = 0;
  int32_t segment_index_bytes = 10 << 20;
  int32_t index_interval_bytes = 4096;

  int64_t retention_ms = 604'800'000;
  int64_t retention_bytes = -1;
  int64_t file_delete_delay_ms = 60'000;
  bool cleanup_delete = true;
  bool cleanup_compact = false;

  int64_t flush_messages = kForever;
  int64_t flush_ms = kForever;

  int32_t max_message_bytes = 1'048'588;
  records::TimestampType message_timestamp_type = records::TimestampType::kCreateTime;
  int64_t message_timestamp_before_max_ms = kForever;
  int64_t message_timestamp_after_max_ms = 3'600'000;

  double min_cleanable_dirty_ratio = 0.5;
  int64_t min_compaction_lag_ms = 0;
  int64_t max_compaction_lag_ms = kForever;
  int64_t delete_retention_ms = 86'400'000;
};

}  // namespace longhaul::broker::log
