// What the group coordinator takes from the broker's options.
#pragma once

#include <cstdint>

namespace longhaul::broker::groups {

/// Names in comments are Kafka's options.
struct GroupConfig {
  int32_t min_session_timeout_ms = 6'000;         // group.min.session.timeout.ms
  int32_t max_session_timeout_ms = 1'800'000;     // group.max.session.timeout.ms
  int32_t initial_rebalance_delay_ms = 3'000;     // group.initial.rebalance.delay.ms
  int32_t max_group_size = INT32_MAX;             // group.max.size
  int32_t offset_metadata_max_bytes = 4'096;      // offset.metadata.max.bytes
  int64_t offsets_retention_ms = 604'800'000;     // offsets.retention.minutes
  int64_t retention_check_interval_ms = 600'000;  // offsets.retention.check.interval.ms
  int32_t commit_timeout_ms = 5'000;              // offsets.commit.timeout.ms
};

}  // namespace longhaul::broker::groups
