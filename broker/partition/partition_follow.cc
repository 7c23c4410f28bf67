// A follower's side of a partition: what its leader sent.
#include <algorithm>

#include "broker/partition/partition.h"

namespace longhaul::broker::partition {
namespace {

/// Where a follower's empty log is to begin if its leader's begins within a batch (DeleteRecords):
/// with the batch, of which it needs all. Absent if the batches fit.
std::optional<int64_t> base_to_begin_at(const log::Log& log, base::ByteView batches) {
  int64_t end = log.log_end_offset();
  if (log.log_start_offset() != end || log.size_bytes() > 0) return std::nullopt;
  records::BatchWalker walker(batches);
  const records::BatchView* first = walker.next();
  bool reaches_over =
      first && first->header.base_offset < end && first->header.last_offset() >= end;
  return reaches_over ? std::optional(first->header.base_offset) : std::nullopt;
}

}  // namespace

KafkaResult<void> Partition::check_following_locked(int32_t leader_epoch) const {
  if (stopped_ || leader_id_ == broker_id_) {
    return protocol::kafka_fail(ErrorCode::kNotLeaderOrFollower);
  }
  if (leader_epoch != leader_epoch_) return protocol::kafka_fail(ErrorCode::kFencedLeaderEpoch);
  return {};
}

KafkaResult<void> Partition::replicate_locked(const Replicated& from_leader) {
  if (auto follows = check_following_locked(from_leader.leader_epoch); !follows) return follows;
  const auto log = log_.load();
  if (!from_leader.batches.empty()) {
    auto appended = log->append_as_follower(from_leader.batches);
    if (!appended) return tl::unexpected(std::move(appended.error()));
  }
  // A new leader may know of less that is committed than its predecessor told us.
  if (from_leader.high_watermark > log->high_watermark()) {
    log->set_high_watermark(from_leader.high_watermark);
  }
  return start_at_locked(from_leader.log_start_offset);
}

KafkaResult<void> Partition::start_at_locked(int64_t log_start_offset) {
  const auto log = log_.load();
  int64_t start = std::min(log_start_offset, log->high_watermark());
  if (start <= log->log_start_offset()) return {};
  auto moved = log->advance_log_start_offset(start);
  if (moved) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(moved.error().message));
}

KafkaResult<void> Partition::begin_within_batch_locked(const Replicated& from_leader,
                                                       int64_t base_offset) {
  if (auto follows = check_following_locked(from_leader.leader_epoch); !follows) return follows;
  const auto log = log_.load();
  int64_t start = log->log_start_offset();
  if (auto begun = log->truncate_fully_and_start_at(base_offset); !begun) {
    return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(begun.error().message));
  }
  start_copy_over_locked(base_offset);
  if (auto stored = replicate_locked(from_leader); !stored) return stored;
  return start_at_locked(start);
}

// The lock keeps the role: nothing of an old leader is appended once we follow another.
KafkaResult<void> Partition::replicate(const Replicated& from_leader) {
  KafkaResult<void> stored;
  if (auto base = base_to_begin_at(*log(), from_leader.batches)) {
    // No reader is to see the log between its two beginnings.
    std::unique_lock role(role_mutex_);
    stored = begin_within_batch_locked(from_leader, *base);
  } else {
    std::shared_lock role(role_mutex_);
    stored = replicate_locked(from_leader);
  }
  if (!stored) return stored;
  if (log()->flush_is_due()) {
    if (auto flushed = flush(); !flushed) {
      return protocol::kafka_fail(ErrorCode::kKafkaStorageError,
                                  std::move(flushed.error().message));
    }
  }
  watchers_.notify_all();
  return {};
}

KafkaResult<void> Partition::truncate(int32_t leader_epoch, int64_t offset) {
  std::unique_lock role(role_mutex_);
  if (auto follows = check_following_locked(leader_epoch); !follows) return follows;
  auto cut = log()->truncate_to(offset);
  cut_copy_locked();
  if (cut) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(cut.error().message));
}

KafkaResult<void> Partition::start_over(int32_t leader_epoch, int64_t offset) {
  std::unique_lock role(role_mutex_);
  if (auto follows = check_following_locked(leader_epoch); !follows) return follows;
  auto begun = log()->truncate_fully_and_start_at(offset);
  start_copy_over_locked(offset);
  if (begun) return {};
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, std::move(begun.error().message));
}

}  // namespace longhaul::broker::partition
