// Appending to a log, and rolling it.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "broker/log/log.h"
#include "broker/log/producer_snapshot.h"

namespace longhaul::broker::log {

namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using records::BatchView;

tl::unexpected<protocol::KafkaError> storage_error(const base::Error& error) {
  return kafka_fail(ErrorCode::kKafkaStorageError, error.message);
}

/// All batches in a buffer that a client or coordinator gave; there must be nothing else in it.
LogResult<std::vector<BatchView>> parse_all(base::ByteView bytes) {
  std::vector<BatchView> batches;
  records::BatchWalker walker(bytes);
  while (const BatchView* batch = walker.next()) batches.push_back(*batch);
  if (walker.error()) return kafka_fail(ErrorCode::kCorruptMessage, walker.error()->message);
  if (batches.empty() || walker.position() != bytes.size()) {
    return kafka_fail(ErrorCode::kCorruptMessage, "no whole batch");
  }
  return batches;
}

/// The whole batches in a buffer from a leader, which may be cut off at the end, without those that
/// are known already (they end below `log_end`).
LogResult<std::vector<BatchView>> parse_replicated(base::ByteView bytes, int64_t log_end) {
  std::vector<BatchView> batches;
  int64_t next = log_end;
  records::BatchWalker walker(bytes);
  while (const BatchView* batch = walker.next()) {
    const auto& header = batch->header;
    if (batches.empty() && header.last_offset() < log_end) continue;
    if (header.base_offset < next) {
      return kafka_fail(
          batches.empty() ? ErrorCode::kOffsetOutOfRange : ErrorCode::kCorruptMessage,
          fmt::format("a batch begins at {} where {} is next", header.base_offset, next));
    }
    if (!records::crc_matches(batch->bytes)) {
      return kafka_fail(ErrorCode::kCorruptMessage,
                        fmt::format("the CRC of the batch at {} is wrong", header.base_offset));
    }
    next = header.next_offset();
    batches.push_back(*batch);
  }
  if (walker.error()) return kafka_fail(ErrorCode::kCorruptMessage, walker.error()->message);
  return batches;
}

int64_t max_timestamp(std::span<const BatchView> batches) {
  int64_t newest = records::kNoTimestamp;
  for (const auto& batch : batches) newest = std::max(newest, batch.header.max_timestamp);
  return newest;
}

}  // namespace

LogResult<AppendResult> Log::append_as_leader(std::span<uint8_t> bytes,
                                              const AppendOptions& options) {
  auto parsed = parse_all(bytes);
  if (!parsed) return tl::unexpected(parsed.error());
  std::vector<BatchView>& batches = *parsed;
  auto limit = static_cast<size_t>(config_.load()->segment_bytes);
  if (bytes.size() > limit) {
    return kafka_fail(ErrorCode::kRecordListTooLarge,
                      fmt::format("{} bytes do not fit a segment of {}", bytes.size(), limit));
  }

  std::lock_guard lock(mutex_);
  LH_TRY(refuse_if_offline());
  if (auto settled = settle_truncation(); !settled) return refuse_append(batches, settled.error());
  if (options.origin == AppendOrigin::kClient) {
    auto known = check_producers(batches);
    if (!known) return tl::unexpected(known.error());
    if (*known) {
      const ProducerBatch& original = **known;
      return AppendResult{original.first_offset(), original.last_offset, original.timestamp,
                          log_start_offset(), true};
    }
  }
  int64_t next = log_end_offset();
  uint8_t* at = bytes.data();
  for (auto& batch : batches) {
    std::span<uint8_t> own(at, batch.bytes.size());
    records::set_base_offset(own, next);
    records::set_partition_leader_epoch(own, options.leader_epoch);
    batch.header.base_offset = next;
    batch.header.partition_leader_epoch = options.leader_epoch;
    next = batch.header.next_offset();
    at += own.size();
  }
  return append_locked(bytes, batches);
}

LogResult<AppendResult> Log::append_as_follower(base::ByteView bytes) {
  // Nobody else appends to a follower: the end does not move between here and the lock, unless it
  // is cut back, and then the offsets do not fit any more.
  auto batches = parse_replicated(bytes, log_end_offset());
  if (!batches) return tl::unexpected(batches.error());

  std::lock_guard lock(mutex_);
  LH_TRY(refuse_if_offline());
  if (auto settled = settle_truncation(); !settled) {
    return refuse_append(*batches, settled.error());
  }
  if (batches->empty()) {
    return AppendResult{log_end_offset(), log_end_offset() - 1, records::kNoTimestamp,
                        log_start_offset(), false};
  }
  if (batches->front().header.base_offset < log_end_offset()) {
    return kafka_fail(ErrorCode::kOffsetOutOfRange, "the log's end moved during the append");
  }
  const uint8_t* begin = batches->front().bytes.data();
  const uint8_t* end = batches->back().bytes.data() + batches->back().bytes.size();
  return append_locked({begin, end}, *batches);
}

LogResult<std::optional<ProducerBatch>> Log::check_producers(Batches batches) const {
  for (size_t i = 0; i < batches.size(); ++i) {
    const auto& header = batches[i].header;
    if (!header.has_producer_id()) continue;
    if (i > 0 && batches[i - 1].header.producer_id == header.producer_id) {
      const auto& before = batches[i - 1].header;
      if (before.producer_epoch != header.producer_epoch ||
          records::add_sequence(before.last_sequence(), 1) != header.base_sequence) {
        return kafka_fail(ErrorCode::kOutOfOrderSequenceNumber,
                          "the batches of one request do not follow each other");
      }
      continue;
    }
    auto duplicate = producers_.check(header);
    if (!duplicate || *duplicate) return duplicate;
  }
  return std::nullopt;
}

LogResult<AppendResult> Log::append_locked(base::ByteView bytes, Batches batches) {
  if (auto rolled = roll_if_needed(batches, bytes.size()); !rolled) {
    return refuse_append(batches, rolled.error());
  }
  auto list = segments_.load();
  Segment& active = *list->back();
  if (auto written = active.append(bytes, batches, *config_.load()); !written) {
    if (active.is_torn()) return storage_error(go_offline(written.error()));
    return refuse_append(batches, written.error());
  }
  if (out_of_space_) logger_.info("{}: there is room again", id_.to_string());
  out_of_space_ = false;
  for (const auto& batch : batches) {
    if (auto noted = note_batch(batch); !noted) return storage_error(go_offline(noted.error()));
  }
  move_end(batches.back().header.next_offset());
  return AppendResult{batches.front().header.base_offset, batches.back().header.last_offset(),
                      max_timestamp(batches), log_start_offset(), false};
}

/// A full disk may get room again; what was torn is cut off already. Anything else is final.
LogResult<AppendResult> Log::refuse_append(Batches batches, const base::Error& why) {
  if (!is_shortage(why)) return storage_error(go_offline(why));
  if (!out_of_space_) {
    logger_.error("{}: {}; producers are refused until there is room", id_.to_string(),
                  why.message);
  }
  out_of_space_ = true;
  for (const auto& batch : batches) producers_.note_unwritten(batch.header, clock_.wall_ms());
  return storage_error(why);
}

void Log::note_refused(const records::BatchHeader& batch) {
  if (!batch.has_producer_id()) return;
  std::lock_guard lock(mutex_);
  producers_.note_unwritten(batch, clock_.wall_ms());
}

base::Result<void> Log::note_batch(const records::BatchView& batch) {
  const auto& header = batch.header;
  epochs_.assign(header.partition_leader_epoch, header.base_offset);
  return note_producer(batch);
}

base::Result<void> Log::note_producer(const records::BatchView& batch) {
  const auto& header = batch.header;
  if (!header.has_producer_id()) return {};
  auto ended = producers_.apply(header, parse_end_marker(batch));
  if (header.is_transactional()) note_undecided();
  if (!ended || !ended->aborted) return {};
  return segments_.load()->back()->transactions().append({ended->producer_id, ended->first_offset,
                                                          ended->last_offset,
                                                          producers_.last_stable_offset(*ended)});
}

base::Result<void> Log::roll_if_needed(Batches batches, size_t bytes) {
  Incoming incoming{bytes, batches.back().header.last_offset(), max_timestamp(batches)};
  auto list = segments_.load();
  if (!list->back()->should_roll(*config_.load(), clock_.wall_ms(), incoming)) return {};
  // The base is the end even where the next batch begins beyond it, so that recovery can tell a
  // lost tail from a gap; unless an index could not count that far.
  int64_t base_offset = log_end_offset();
  if (incoming.last_offset - base_offset > std::numeric_limits<int32_t>::max()) {
    base_offset = batches.front().header.base_offset;
  }
  return roll_locked(base_offset);
}

base::Result<void> Log::roll_locked(int64_t base_offset) {
  LH_TRY(tolerate_shortage(settle_truncation()));
  auto list = segments_.load();
  auto next_list = std::make_shared<SegmentList>(*list);
  Segment& old = *list->back();
  if (old.size() == 0) {
    if (old.base_offset() == base_offset) return {};
    auto removed = remove_segments_from(*list, list->size() - 1);
    if (!removed) return tl::unexpected(go_offline(removed.error()));
    next_list->pop_back();
  } else if (auto sealed = old.seal(); !sealed && !is_shortage(sealed.error())) {
    return tl::unexpected(go_offline(sealed.error()));
  }
  if (auto written = write_snapshot(false); !written) {
    logger_.warn("{}: no producer snapshot: {}", id_.to_string(), written.error().message);
  }
  auto segment = std::make_shared<Segment>(directory_, base_offset, clock_.wall_ms());
  LH_TRY(tolerate_shortage(segment->create()));
  next_list->push_back(std::move(segment));
  publish(std::move(next_list), log_end_offset(), 0);
  return {};
}

base::Result<void> Log::roll() {
  std::lock_guard lock(mutex_);
  LH_TRY(fail_if_offline());
  return roll_locked(log_end_offset());
}

base::Result<void> Log::write_snapshot(bool sync) {
  int64_t offset = log_end_offset();
  // There are no producers before the first batch.
  if (offset <= snapshot_offset_ || offset == first_base_offset()) return {};
  LH_TRY(write_producer_snapshot(files_, directory_->segment_file(offset, kSnapshotExtension),
                                 producers_.entries(), sync));
  directory_->mark_changed();
  snapshot_offset_ = offset;
  return {};
}

}  // namespace longhaul::broker::log
