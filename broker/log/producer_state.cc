#include "broker/log/producer_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace longhaul::broker::log {

using protocol::ErrorCode;
using protocol::kafka_fail;

namespace {

/// The largest sequence number, after which they begin again at 0.
constexpr int64_t kSequences = int64_t{1} << 31;
constexpr size_t kMostUnwritten = 10'000;

/// After kNoSequence comes 0.
bool follows(int32_t last, int32_t next) { return next == records::add_sequence(last, 1); }

/// Of two that lie near each other, as what one producer has under way does.
bool is_behind(int32_t first, int32_t later) {
  int64_t distance = (int64_t{later} - first + kSequences) % kSequences;
  return distance > 0 && distance < kSequences / 2;
}

ProducerBatch batch_of(const records::BatchHeader& batch) {
  return {batch.last_sequence(), batch.last_offset_delta, batch.last_offset(), batch.max_timestamp};
}

}  // namespace

int32_t ProducerBatch::first_sequence() const {
  int64_t first = int64_t{last_sequence} - offset_delta;
  return static_cast<int32_t>(first < 0 ? first + kSequences : first);
}

const ProducerBatch* ProducerEntry::find_duplicate(const records::BatchHeader& batch) const {
  if (batch.producer_epoch != epoch) return nullptr;
  for (const ProducerBatch& known : batches()) {
    if (known.first_sequence() == batch.base_sequence &&
        known.last_sequence == batch.last_sequence()) {
      return &known;
    }
  }
  return nullptr;
}

void ProducerEntry::add(const ProducerBatch& batch) {
  if (batch_count == kKeptBatches) {
    std::move(kept.begin() + 1, kept.end(), kept.begin());
    --batch_count;
  }
  kept[batch_count++] = batch;
}

LogResult<std::optional<ProducerBatch>> ProducerStates::check(
    const records::BatchHeader& batch) const {
  auto out_of_order = [&](int32_t last) {
    return kafka_fail(
        ErrorCode::kOutOfOrderSequenceNumber,
        fmt::format("producer {} in epoch {} sent sequence number {} after {}", batch.producer_id,
                    batch.producer_epoch, batch.base_sequence, last));
  };
  const ProducerEntry* entry = find(batch.producer_id);
  if (entry == nullptr) {
    auto first = unwritten_.find(batch.producer_id);
    bool behind = first != unwritten_.end() && first->second.epoch == batch.producer_epoch &&
                  is_behind(first->second.base_sequence, batch.base_sequence);
    if (behind) return out_of_order(records::kNoSequence);
    return std::nullopt;
  }
  if (entry->epoch == records::kNoProducerEpoch) return std::nullopt;
  if (const ProducerBatch* duplicate = entry->find_duplicate(batch)) return *duplicate;
  if (batch.producer_epoch < entry->epoch) {
    return kafka_fail(ErrorCode::kInvalidProducerEpoch,
                      fmt::format("producer {} is fenced: epoch {} is older than {}",
                                  batch.producer_id, batch.producer_epoch, entry->epoch));
  }
  if (batch.is_control()) return std::nullopt;  // a marker has no sequence number
  bool same_epoch = batch.producer_epoch == entry->epoch;
  int32_t last = same_epoch ? entry->last_sequence() : records::kNoSequence;
  if (!follows(last, batch.base_sequence)) return out_of_order(last);
  return std::nullopt;
}

void ProducerStates::note_unwritten(const records::BatchHeader& batch, int64_t now_ms) {
  if (!batch.has_producer_id() || batch.is_control() || find(batch.producer_id)) return;
  // There are so many new producers that are refused only if somebody means harm: what is forgotten
  // then is their own order.
  if (unwritten_.size() >= kMostUnwritten) unwritten_.clear();
  auto [known, added] = unwritten_.try_emplace(batch.producer_id);
  Unwritten& first = known->second;
  bool is_earlier =
      first.epoch == batch.producer_epoch && is_behind(batch.base_sequence, first.base_sequence);
  if (added || first.epoch < batch.producer_epoch || is_earlier)
    first = {batch.producer_epoch, batch.base_sequence, now_ms};
}

std::optional<CompletedTransaction> ProducerStates::apply(const records::BatchHeader& batch,
                                                          const std::optional<EndMarker>& marker) {
  if (!batch.has_producer_id() || (batch.is_control() && !marker)) return std::nullopt;
  ProducerEntry& entry = producers_[batch.producer_id];
  entry.producer_id = batch.producer_id;
  unwritten_.erase(batch.producer_id);
  if (entry.epoch != batch.producer_epoch) {
    entry.epoch = batch.producer_epoch;
    entry.batch_count = 0;
  }
  entry.last_timestamp = batch.max_timestamp;

  if (!marker) {
    entry.add(batch_of(batch));
    if (batch.is_transactional() && entry.transaction_first_offset < 0) {
      entry.transaction_first_offset = batch.base_offset;
      open_.insert(batch.base_offset);
    }
    return std::nullopt;
  }
  entry.coordinator_epoch = marker->coordinator_epoch;
  if (entry.transaction_first_offset < 0) return std::nullopt;
  CompletedTransaction ended{batch.producer_id, entry.transaction_first_offset, batch.last_offset(),
                             !marker->commit};
  open_.erase(entry.transaction_first_offset);
  unreplicated_[entry.transaction_first_offset] = batch.last_offset();
  entry.transaction_first_offset = -1;
  return ended;
}

std::optional<int64_t> ProducerStates::first_undecided_offset() const {
  std::optional<int64_t> first;
  if (!open_.empty()) first = *open_.begin();
  if (!unreplicated_.empty()) {
    int64_t ended = unreplicated_.begin()->first;
    first = first ? std::min(*first, ended) : ended;
  }
  return first;
}

int64_t ProducerStates::last_stable_offset(const CompletedTransaction& ended) const {
  return open_.empty() ? ended.last_offset + 1 : *open_.begin();
}

void ProducerStates::set_high_watermark(int64_t offset) {
  std::erase_if(unreplicated_, [&](const auto& one) { return one.second < offset; });
}

size_t ProducerStates::expire(int64_t now_ms, int64_t ms) {
  std::erase_if(unwritten_, [&](const auto& one) { return now_ms - one.second.noted_ms >= ms; });
  return std::erase_if(producers_, [&](const auto& one) {
    const ProducerEntry& entry = one.second;
    return entry.transaction_first_offset < 0 && now_ms - entry.last_timestamp >= ms;
  });
}

void ProducerStates::clear() {
  producers_ = {};
  unwritten_ = {};
  open_.clear();
  unreplicated_.clear();
}

void ProducerStates::insert(const ProducerEntry& entry) {
  producers_[entry.producer_id] = entry;
  if (entry.transaction_first_offset >= 0) open_.insert(entry.transaction_first_offset);
}

const ProducerEntry* ProducerStates::find(int64_t producer_id) const {
  auto at = producers_.find(producer_id);
  return at == producers_.end() ? nullptr : &at->second;
}

std::vector<ProducerEntry> ProducerStates::entries() const {
  std::vector<ProducerEntry> entries;
  entries.reserve(producers_.size());
  for (const auto& [id, entry] : producers_) entries.push_back(entry);
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.producer_id < b.producer_id; });
  return entries;
}

}  // namespace longhaul::broker::log
