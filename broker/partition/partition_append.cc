// What producers write to a partition.
#include "broker/partition/partition.h"

namespace longhaul::broker::partition {
namespace {

ErrorCode error_code(records::Reason reason) {
  switch (reason) {
    case records::Reason::kInvalidRecord:
      return ErrorCode::kInvalidRecord;
    case records::Reason::kInvalidTimestamp:
      return ErrorCode::kInvalidTimestamp;
    case records::Reason::kCorruptMessage:
      return ErrorCode::kCorruptMessage;
    case records::Reason::kMessageTooLarge:
      return ErrorCode::kMessageTooLarge;
    case records::Reason::kUnsupportedCompressionType:
      return ErrorCode::kUnsupportedCompressionType;
  }
  return ErrorCode::kInvalidRecord;
}

records::ValidationOptions validation_options(const TopicSettings& settings,
                                              const ProduceOptions& options) {
  records::ValidationOptions checks;
  checks.origin = options.origin == log::AppendOrigin::kClient ? records::Origin::kClient
                                                               : records::Origin::kCoordinator;
  checks.timestamp_type = settings.log.message_timestamp_type;
  checks.timestamp_before_max_ms = settings.log.message_timestamp_before_max_ms;
  checks.timestamp_after_max_ms = settings.log.message_timestamp_after_max_ms;
  checks.compacted = settings.log.cleanup_compact;
  checks.target_codec = settings.codec;
  checks.levels = settings.levels;
  checks.max_batch_bytes = static_cast<size_t>(settings.log.max_message_bytes);
  checks.zstd_allowed = options.zstd_allowed;
  return checks;
}

tl::unexpected<AppendFailure> refuse(ErrorCode code, std::string message = {}) {
  return tl::unexpected(AppendFailure{code, std::move(message), {}});
}

}  // namespace

void Partition::note_refused(const records::BatchHeader& batch) { log()->note_refused(batch); }

bool Partition::is_heavy(base::ByteView batch) const {
  auto settings = settings_.load();
  bool may_flush = settings->log.flush_messages != log::LogConfig::kForever;
  return may_flush || records::is_heavy(batch, validation_options(*settings, {}));
}

std::optional<AppendFailure> Partition::refusal_locked(base::ByteView batch,
                                                       const ProduceOptions& options) {
  const auto log = log_.load();
  if (log->is_offline()) {
    // The directory may go on without it, so that nobody else takes the lead away.
    if (leader_id_ == broker_id_) step_down_locked();
    return AppendFailure{ErrorCode::kKafkaStorageError, {}, {}};
  }
  AppendFailure failure;
  if (leader_id_ != broker_id_) {
    failure.code = ErrorCode::kNotLeaderOrFollower;
  } else if (options.acks_all && is_under_min_isr_locked()) {
    failure.code = ErrorCode::kNotEnoughReplicas;
    failure.message = id().to_string() + " has " + std::to_string(isr_.size()) +
                      " in-sync replicas, and min.insync.replicas is " +
                      std::to_string(settings_.load()->min_insync_replicas);
  } else {
    return std::nullopt;
  }
  if (auto header = records::parse_header(batch)) log->note_refused(*header);
  return failure;
}

// What takes long, checking and decompressing, is done without the lock: whoever waits to take the
// role away would wait for all of it.
tl::expected<ProduceResult, AppendFailure> Partition::append(std::span<uint8_t> batch,
                                                             const ProduceOptions& options,
                                                             records::Codecs& codecs) {
  {
    std::shared_lock lock(role_mutex_);
    if (auto refused = refusal_locked(batch, options)) return tl::unexpected(std::move(*refused));
  }
  auto settings = settings_.load();
  auto valid =
      records::validate(batch, validation_options(*settings, options), options.now_ms, codecs);
  if (!valid) {
    records::Refusal& why = valid.error();
    return tl::unexpected(AppendFailure{error_code(why.reason), std::move(why.message),
                                        std::move(why.record_errors)});
  }
  if (valid->header.is_transactional()) {
    return refuse(ErrorCode::kInvalidTxnState,
                  "there are no transactions in this version of the broker");
  }
  auto result = append_valid(valid->rebuilt ? std::span<uint8_t>(*valid->rebuilt)
                                            : batch.first(valid->header.size_bytes()),
                             options);
  if (!result) return result;
  end_watchers_.notify_all();
  if (settings->on_disk) flush_soon();
  if (log()->flush_is_due()) {
    if (auto flushed = flush(); !flushed) {
      return refuse(ErrorCode::kKafkaStorageError, flushed.error().message);
    }
  }
  advance_high_watermark();
  return result;
}

tl::expected<ProduceResult, AppendFailure> Partition::append_valid(std::span<uint8_t> batch,
                                                                   const ProduceOptions& options) {
  std::shared_lock lock(role_mutex_);
  if (auto refused = refusal_locked(batch, options)) return tl::unexpected(std::move(*refused));
  const auto log = log_.load();
  auto appended =
      log->append_as_leader(batch, {.leader_epoch = leader_epoch_, .origin = options.origin});
  if (!appended) {
    if (log->is_out_of_space()) step_down_locked();
    return refuse(appended.error().code, std::move(appended.error().message));
  }
  ProduceResult result{.base_offset = appended->first_offset,
                       .next_offset = appended->last_offset + 1,
                       .leader_epoch = leader_epoch_,
                       .log_start_offset = appended->log_start_offset};
  if (log->config()->message_timestamp_type == records::TimestampType::kLogAppendTime) {
    result.log_append_time_ms = appended->max_timestamp;
  }
  return result;
}

}  // namespace longhaul::broker::partition
