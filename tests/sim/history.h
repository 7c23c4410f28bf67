// What producers sent and were told, held against what is read.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "records/batch.h"
#include "tests/sim/world.h"

namespace longhaul::sim {

struct PartitionId {
  base::Uuid topic;
  int32_t index = 0;
  auto operator<=>(const PartitionId&) const = default;
};

/// What a topic's options promise beyond the rest.
struct Promise {
  bool flushes = false;                 // flush.messages=1: what is acknowledged is durable
  std::optional<int64_t> retention_ms;  // records may go when they are older
  bool is_pruned = false;               // DeleteRecords takes some away (KIP-107)
};

/// What the end of a process may have cost.
enum class Loss { kNothing, kUnsynced };

/// A whole partition as it was read, from its first offset to its end.
struct Contents {
  int64_t start = 0;
  int64_t end = 0;
  base::Bytes batches;
};

/// Knows each batch that was sent, by its bytes: those that a broker does not change. Rules:
/// - what is read was sent to that partition, byte for byte, and has one offset for good. A retry
///   that comes when the retention has passed may be written again: a replica that began its log
///   anew, at its leader's start, knows nothing of producers before that (KIP-360)
/// - offsets have no gaps; a producer's batches come in the order in which it sent them, an
///   idempotent one's without a gap in their sequence numbers
/// - what was acknowledged is where that said, unless an end without a sync may have cost it; then
///   the log ends earlier, but never before what was durable
/// - what was not there after a restart does not come back later; nor does what DeleteRecords has
///   deleted, which is no more than it was asked to, also within a batch
class History {
 public:
  using BatchId = uint64_t;  // in the order of sending, from 1

  /// `newest_ms`: the latest that any broker's wall clock has been.
  History(Findings& findings, std::function<int64_t()> newest_ms)
      : findings_(findings), newest_ms_(std::move(newest_ms)) {}

  /// Producers send to several leaders: what is not idempotent may come in another order.
  void allow_reordering() { reordering_ = true; }

  void promise(const PartitionId& partition, const Promise& promise);
  /// What findings call it.
  void name(const base::Uuid& topic, const std::string& name) { names_[topic] = name; }
  std::string name_of(const PartitionId& partition) const;
  /// `timestamps`: of its records.
  BatchId sent(const PartitionId& partition, uint32_t producer, base::ByteView batch,
               std::vector<int64_t> timestamps);
  void acknowledged(BatchId id, int64_t offset);
  std::string describe(BatchId id) const;
  /// It will not be sent again, and nobody knows whether it is there.
  void given_up(BatchId id);
  /// It was acknowledged, and the end of a process has cost it.
  bool is_lost(BatchId id) const { return batches_.at(id - 1).state == State::kGone; }
  void producer_id_given(int64_t id);

  /// DeleteRecords was asked for all below this offset, and may come to do it.
  void deleting(const PartitionId& partition, int64_t offset);
  /// It was done: the partition begins there.
  void deleted(const PartitionId& partition, int64_t start);
  /// A process died that may not have had on its disk yet where logs begin: what was deleted until
  /// now may come back.
  void deletions_may_return();
  /// An offset up to which it may be asked to delete, or -1: at most half of what there is known to
  /// be.
  int64_t choose_deletion(const PartitionId& partition, base::Random& random) const;

  /// Somebody read this batch.
  void saw(const PartitionId& partition, const records::BatchView& batch);
  /// The partition after a restart, or at the end.
  void audit(const PartitionId& partition, const Contents& contents, Loss loss);
  /// All that there is now survives whatever comes.
  void all_is_durable();

  /// The offset of the first record at or after `start` that is no older than `timestamp`, or -1.
  int64_t offset_for_timestamp(const PartitionId& partition, int64_t start,
                               int64_t timestamp) const;
  size_t count() const { return batches_.size(); }
  size_t acknowledged_count() const { return acknowledged_; }

 private:
  enum class State { kPending, kAcknowledged, kUnknown, kGone };
  struct Batch {
    PartitionId partition;
    uint32_t producer = 0;
    records::BatchHeader header;
    std::vector<int64_t> timestamps;
    State state = State::kPending;
    int64_t offset = -1;  // once acknowledged or seen

    int64_t end() const { return offset + header.record_count; }
  };
  struct Partition {
    Promise promise;
    std::map<int64_t, BatchId> log;  // by offset, as far as it is known
    std::vector<BatchId> unknown;    // may be there or not
    int64_t durable = 0;             // everything below is
    int64_t start = 0;               // what was deleted below does not come back
    int64_t deletable = 0;           // up to here it was asked to delete
  };

  /// 0 if nobody sent these bytes.
  BatchId identify(base::ByteView batch) const;
  void place(Partition& partition, BatchId id, int64_t offset);
  /// Fails if the same bytes do not lie in the log where they should.
  void audit_order(const PartitionId& id, const Contents& contents);
  void audit_end(const PartitionId& id, Partition& partition, int64_t end, Loss loss);
  void audit_start(const PartitionId& id, Partition& partition, const Contents& contents);
  /// Retention or DeleteRecords may have removed it by now.
  bool may_be_gone(const Partition& partition, const Batch& batch) const;

  Findings& findings_;
  std::function<int64_t()> newest_ms_;
  std::vector<Batch> batches_;
  std::unordered_map<uint64_t, BatchId> by_content_;
  std::map<PartitionId, Partition> partitions_;
  std::map<base::Uuid, std::string> names_;
  std::set<int64_t> producer_ids_;
  bool deletions_may_return_ = false;
  size_t acknowledged_ = 0;
  bool reordering_ = false;
};

}  // namespace longhaul::sim
