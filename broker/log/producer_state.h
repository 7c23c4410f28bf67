// What a partition remembers of each producer, so that a batch sent twice is kept once and a gap
// is refused (idempotence, KIP-98, KIP-360), and which transactions are open.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "broker/log/end_marker.h"
#include "broker/log/log_result.h"
#include "records/batch.h"

namespace longhaul::broker::log {

/// One batch that a producer wrote.
struct ProducerBatch {
  int32_t last_sequence = records::kNoSequence;
  int32_t offset_delta = 0;
  int64_t last_offset = -1;
  int64_t timestamp = records::kNoTimestamp;

  int32_t first_sequence() const;
  int64_t first_offset() const { return last_offset - offset_delta; }
  bool operator==(const ProducerBatch&) const = default;
};

/// A producer as one partition sees it: its newest batches, at most five, oldest first.
struct ProducerEntry {
  static constexpr size_t kKeptBatches = 5;

  int64_t producer_id = records::kNoProducerId;
  int16_t epoch = records::kNoProducerEpoch;
  uint8_t batch_count = 0;
  int32_t coordinator_epoch = -1;
  int64_t last_timestamp = records::kNoTimestamp;
  int64_t transaction_first_offset = -1;  // -1: none is open
  std::array<ProducerBatch, kKeptBatches> kept{};

  std::span<const ProducerBatch> batches() const { return {kept.data(), batch_count}; }
  int32_t last_sequence() const {
    return batch_count == 0 ? records::kNoSequence : kept[batch_count - 1u].last_sequence;
  }
  /// The kept batch with these very sequence numbers in this epoch, or null.
  const ProducerBatch* find_duplicate(const records::BatchHeader& batch) const;
  void add(const ProducerBatch& batch);
};

/// A transaction that a marker ended.
struct CompletedTransaction {
  int64_t producer_id = records::kNoProducerId;
  int64_t first_offset = 0;
  int64_t last_offset = 0;  // of the marker
  bool aborted = false;
};

/// All producers of a partition. Not thread-safe: its log guards it.
class ProducerStates {
 public:
  /// Says whether a batch of a client may come next (before any of its offsets are assigned):
  /// the duplicate it is of, nothing if it is new and in order, or INVALID_PRODUCER_EPOCH or
  /// OUT_OF_ORDER_SEQUENCE_NUMBER. A producer never seen may begin anywhere (KIP-360).
  LogResult<std::optional<ProducerBatch>> check(const records::BatchHeader& batch) const;
  /// A batch could not be written, and its producer will send it again: a producer never seen must
  /// then begin with it, or before it, and not with one that it had sent behind it.
  void note_unwritten(const records::BatchHeader& batch, int64_t now_ms);

  /// Takes note of a batch that is in the log, whoever wrote it; `marker` if it is a control batch
  /// that ends a transaction. Returns the transaction that it ended.
  std::optional<CompletedTransaction> apply(const records::BatchHeader& batch,
                                            const std::optional<EndMarker>& marker);

  /// The first offset of the oldest transaction that is open, or whose marker the high watermark
  /// has not passed yet: read_committed consumers stop there.
  std::optional<int64_t> first_undecided_offset() const;
  /// The same as seen by a transaction that just ended: without itself.
  int64_t last_stable_offset(const CompletedTransaction& ended) const;
  /// Markers below it are replicated.
  void set_high_watermark(int64_t offset);
  /// Forgets producers without an open transaction whose newest batch is older than `ms`, and what
  /// was not written so long ago.
  size_t expire(int64_t now_ms, int64_t ms);
  void clear();
  void insert(const ProducerEntry& entry);

  const ProducerEntry* find(int64_t producer_id) const;
  /// Ordered by producer ID.
  std::vector<ProducerEntry> entries() const;
  size_t size() const { return producers_.size(); }

 private:
  struct Unwritten {
    int16_t epoch = records::kNoProducerEpoch;
    int32_t base_sequence = records::kNoSequence;
    int64_t noted_ms = 0;
  };

  std::unordered_map<int64_t, ProducerEntry> producers_;
  std::unordered_map<int64_t, Unwritten> unwritten_;  // of producers never seen, by producer ID
  std::set<int64_t> open_;                            // first offsets of open transactions
  std::map<int64_t, int64_t> unreplicated_;  // ended ones: first offset to that of the marker
};

}  // namespace longhaul::broker::log
