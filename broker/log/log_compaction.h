// Compaction of one log: of each key only the last record stays (cleanup.policy=compact).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "broker/log/cleaned_transactions.h"
#include "broker/log/log.h"
#include "broker/log/offset_map.h"
#include "broker/log/throttle.h"
#include "records/compression.h"
#include "records/record.h"

namespace longhaul::broker::log {

struct CompactionSettings {
  size_t map_slots = 0;           // log.cleaner.dedupe.buffer.size, in OffsetMap's entries
  double map_load_factor = 0.9;   // log.cleaner.io.buffer.load.factor
  size_t io_buffer_bytes = 1024;  // log.cleaner.io.buffer.size
};

struct Compacted {
  int64_t clean_to = 0;  // the map did not hold more
  uint64_t bytes_read = 0;
  uint64_t bytes_written = 0;
  // Of what was written anew.
  size_t segments_before = 0;
  uint64_t bytes_before = 0;
  size_t segments_after = 0;
};

/// Reads the keys of what is dirty into a map, and writes all segments up to there anew, in groups
/// that make one each, without the records that a later one supersedes. Offsets stay. A tombstone
/// goes once delete.retention.ms have passed since a compaction first left it standing (KIP-534),
/// as do markers of transactions of which nothing else is left; what an aborted transaction wrote
/// goes at once. The last batch that was looked at and the last of each producer keep at least
/// their headers.
///
/// One use. Files of its own end in ".cleaned" until a group is complete; they are removed if it
/// does not come to that.
class LogCompaction {
 public:
  LogCompaction(Log& log, Cleanable what, const CompactionSettings& settings, Throttle& throttle,
                base::Random& random, int64_t now_ms);

  /// kCorrupt, kUnsupported: a batch cannot be read. kTooLarge: one batch has more keys than the
  /// map holds. kConflict: the log has changed meanwhile. kCancelled: called off. Others: the disk.
  base::Result<Compacted> run();
  /// Where run() met a batch that is damaged, if it did.
  const std::optional<Damage>& damage() const { return damage_; }

 private:
  using SegmentPtr = std::shared_ptr<Segment>;
  using Group = std::span<SegmentPtr>;

  /// A segment's batches, one by one.
  struct Source;
  static base::Result<bool> read_batch(Source& source);
  base::Result<bool> read_next(Source& source);
  base::Result<void> remove_leftovers() const;
  base::Result<void> build_map();
  base::Result<bool> map_segment(const SegmentPtr& segment);
  /// False once the map is full, or at a batch that is not to be looked at.
  base::Result<bool> map_batch(const records::BatchHeader& header, base::ByteView bytes);
  void shrink_scratch();

  /// The segments from the `first` that are written into one.
  Group next_group(size_t first);
  base::Result<void> rewrite(Group group);
  base::Result<void> fill(Segment& cleaned, Group group);
  base::Result<void> filter_segment(Segment& cleaned, const SegmentPtr& segment);
  base::Result<void> filter_batch(Segment& cleaned, const records::BatchHeader& header,
                                  base::ByteView bytes);
  base::Result<void> filter_records(const records::BatchHeader& header, base::ByteView bytes,
                                    bool is_last_marker);
  bool stays(const records::BatchHeader& header, const records::Record& record) const;
  bool keeps_header(const records::BatchHeader& header) const;
  void emit(base::ByteView batch);
  base::Result<void> write_out(Segment& cleaned);
  void remove_files(const Segment& cleaned) const;

  Log& log_;
  Cleanable what_;
  const std::shared_ptr<const LogConfig> config_;
  const size_t io_buffer_bytes_;
  Throttle& throttle_;
  const int64_t now_ms_;
  OffsetMap map_;
  records::Codecs codecs_;
  base::Bytes scratch_;
  std::vector<bool> stays_;  // of the records of a batch
  int64_t last_seen_end_;    // behind the last batch in the map
  std::optional<CleanedTransactions> transactions_;
  std::unordered_map<int64_t, ProducerEntry> producers_;

  base::Bytes out_;  // batches that are not in the file yet, and their headers
  std::vector<records::BatchHeader> out_headers_;
  uint64_t group_bytes_ = 0;
  Compacted result_;
  std::optional<Damage> damage_;
};

}  // namespace longhaul::broker::log
