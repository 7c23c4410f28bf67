// A replica on its way to another log directory of its broker (KIP-113).
#include <algorithm>

#include "broker/partition/partition.h"

namespace longhaul::broker::partition {
namespace {

/// What is copied while nobody may append.
constexpr uint64_t kLastBytes = 1 << 20;

tl::unexpected<protocol::KafkaError> storage_error(const base::Error& why) {
  return protocol::kafka_fail(ErrorCode::kKafkaStorageError, why.message);
}

}  // namespace

base::Result<void> Partition::begin_move(const log::HeldLog& future, int64_t first_dirty) {
  std::unique_lock role(role_mutex_);
  LH_TRY(log::cut_to_match(*log(), *future.log));
  move_ = std::make_shared<Move>();
  move_->copy = future.log;
  move_->directory = future.directory_id;
  move_->first_dirty = first_dirty;
  return {};
}

void Partition::end_move() {
  std::unique_lock role(role_mutex_);
  move_ = nullptr;
}

std::shared_ptr<Partition::Move> Partition::move() const {
  std::shared_lock role(role_mutex_);
  return stopped_ ? nullptr : move_;
}

std::optional<base::Uuid> Partition::announced_directory() const {
  auto moving = move();
  if (!moving || !moving->announced) return std::nullopt;
  return moving->directory;
}

bool Partition::is_assigned_to(const base::Uuid& directory) const {
  std::shared_lock role(role_mutex_);
  return assigned_directory_ == directory;
}

// What takes long is done before the lock is held. What was read then is of no use if the log was
// cut back in between.
KafkaResult<log::Copied> Partition::copy_on(uint64_t max_bytes) {
  auto moving = move();
  auto from = log();
  if (!moving) return log::Copied{};
  uint64_t truncations = from->truncations();
  int64_t end = from->log_end_offset();
  auto missing = log::read_missing(*from, *moving->copy, max_bytes);
  if (!missing) return tl::unexpected(std::move(missing.error()));
  std::shared_lock role(role_mutex_);
  if (stopped_ || move_ != moving || truncations != from->truncations()) return log::Copied{};
  auto copied = log::append_missing(*from, *moving->copy, *missing);
  // There may be more by now, for as long as there are producers.
  if (copied) {
    copied->caught_up = moving->copy->log_end_offset() >= end &&
                        moving->copy->log_start_offset() == from->log_start_offset();
  }
  return copied;
}

KafkaResult<bool> Partition::finish_move(int64_t durable_start,
                                         const std::function<base::Result<void>()>& exchange) {
  std::unique_lock role(role_mutex_);
  if (stopped_ || !move_ || move_->directory != assigned_directory_) return false;
  const auto from = log_.load();
  if (from->is_offline()) return false;
  log::Log& copy = *move_->copy;
  auto missing = log::read_missing(*from, copy, kLastBytes);
  if (!missing) return tl::unexpected(std::move(missing.error()));
  auto copied = log::append_missing(*from, copy, *missing);
  if (!copied) return tl::unexpected(std::move(copied.error()));
  if (!copied->caught_up || copy.log_start_offset() != durable_start) return false;
  if (copy.recovery_point() < from->recovery_point()) {
    if (auto flushed = copy.flush(); !flushed) return storage_error(flushed.error());
  }
  auto known = copy.take_over(*from, move_->first_dirty);
  if (known) known = exchange();
  if (!known) return storage_error(known.error());
  copy.set_config(from->config());
  log_.store(move_->copy);
  move_ = nullptr;
  return true;
}

// A copy that cannot be cut is offline then, and the mover drops it.
void Partition::cut_copy_locked() {
  if (move_) (void)move_->copy->truncate_to(log()->log_end_offset());
}

void Partition::start_copy_over_locked(int64_t offset) {
  if (move_) (void)move_->copy->truncate_fully_and_start_at(offset);
}

}  // namespace longhaul::broker::partition
