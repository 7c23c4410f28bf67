// The metadata log on disk: the partition __cluster_metadata-0 with its snapshots and quorum-state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/result.h"
#include "broker/log/log.h"
#include "broker/metadata/log_batch.h"
#include "broker/metadata/snapshot.h"
#include "broker/raft/raft.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::metadata {

struct MetadataLogOptions {
  int32_t segment_bytes = 1 << 30;          ///< metadata.log.segment.bytes
  int64_t segment_ms = 604'800'000;         ///< metadata.log.segment.ms
  int64_t retention_bytes = 100 << 20;      ///< metadata.max.retention.bytes; below 0: no limit
  int64_t retention_ms = 604'800'000;       ///< metadata.max.retention.ms; below 0: no limit
  int64_t snapshot_after_bytes = 20 << 20;  ///< metadata.log.max.record.bytes.between.snapshots
  int64_t snapshot_after_ms = 3'600'000;    ///< metadata.log.max.snapshot.interval.ms; 0: never
};

/// Entries of one batch with what stands outside of them.
struct LogBatch {
  int64_t base_offset = 0;
  int64_t next_offset = 0;
  int32_t epoch = 0;
  int64_t timestamp_ms = 0;
  size_t size_bytes = 0;
  std::vector<LogEntry> entries;
};

/// An error of the log as one of ours.
base::Error from_kafka(const protocol::KafkaError& error);

/// All calls from one thread, but for `flush` and `write_snapshot`, which may run on another. Where
/// room is short (kNoSpace) nothing has changed, and the same call may be made again.
class MetadataLog {
 public:
  struct Params {
    base::FileSystem* files = nullptr;
    const base::Clock* clock = nullptr;
    base::Logger logger{base::null_sink(), "metadata"};
    std::string metadata_dir;  ///< metadata.log.dir; holds __cluster_metadata-0
    MetadataLogOptions options;
    /// A disk error took the log offline; from any thread.
    std::function<void(const base::Error&)> on_failure;
  };

  /// Recovers: the newest snapshot that is whole, the log behind it (whatever is torn at its end is
  /// cut off), quorum-state; all of it is durable then. kCorrupt if there is a gap between snapshot
  /// and log, the records cannot be read, or what was committed is damaged: this replica has
  /// acknowledged it, and nothing is touched then. kNotFound if the directory was never formatted.
  static base::Result<std::unique_ptr<MetadataLog>> open(Params params);

  // As it was recovered.
  const raft::ElectionState& election() const { return election_; }
  /// Where the log begins and ends, its epochs and voters.
  raft::LogState state() const;
  /// The image of the newest snapshot; an empty one if there is none.
  const Snapshot& snapshot() const { return snapshot_; }

  base::Result<void> save_election(const raft::ElectionState& state);

  int64_t end_offset() const { return log_->log_end_offset(); }
  int64_t start_offset() const { return log_->log_start_offset(); }
  /// Appends one batch, which must begin at the end offset; not yet durable. After an error the
  /// log is as before, unless it went offline.
  base::Result<void> append(base::Bytes& batch, int32_t epoch);
  /// Makes everything appended before the call durable; returns up to where that is.
  base::Result<int64_t> flush();
  /// Batches from `offset` on, below `end`, of about 1 MiB together. Empty at the end.
  base::Result<std::vector<LogBatch>> read(int64_t offset, int64_t end) const;
  /// The same as bytes, `max_bytes` but at least one batch; the last one may be cut off.
  base::Result<base::Bytes> read_bytes(int64_t offset, size_t max_bytes) const;
  /// Records below are committed. Now and then, with a flush, that is put on disk.
  void set_high_watermark(int64_t offset) { log_->set_high_watermark(offset); }

  // What a follower does (metadata_log_follower.cc).
  /// Appends a batch as the leader has it, which must begin at the end offset; not yet durable.
  base::Result<void> append_fetched(base::ByteView batch);
  /// Cuts off everything at and above `end_offset`, which is where a batch begins; durable.
  base::Result<void> truncate(int64_t end_offset);
  /// Writes bytes of a leader's snapshot; at position 0 it begins anew. Not durable.
  base::Result<void> write_fetched_snapshot(int64_t position, base::ByteView bytes);
  /// Reads the snapshot that was written so, which should be `id`, and checks it as a whole.
  base::Result<Snapshot> read_fetched_snapshot(const raft::OffsetAndEpoch& id);
  /// Makes it durable under its name; the log is empty then, and begins where it ends.
  base::Result<void> install_fetched_snapshot(const raft::OffsetAndEpoch& id);

  /// Bytes of a snapshot for another replica.
  struct SnapshotPart {
    int64_t size = 0;  ///< of the whole
    std::shared_ptr<const base::Bytes> bytes;
  };
  /// kNotFound if there is no such snapshot, kInvalidArgument beyond its end.
  base::Result<SnapshotPart> read_snapshot_part(const raft::OffsetAndEpoch& id, int64_t position,
                                                size_t max_bytes) const;

  /// Writes a snapshot of `image`, of which all records are committed.
  base::Result<void> write_snapshot(const MetadataImage& image, const raft::VoterSet& voters);
  /// Begins a new segment, so that the ones before it can go once a snapshot has replaced them.
  base::Result<void> roll() { return log_->roll(); }
  /// Removes snapshots and segments beyond metadata.max.retention, but never the newest snapshot,
  /// nor what lies behind it. Returns the log start offset afterwards.
  base::Result<int64_t> clean();

  /// A disk error took the log offline: nothing can be written any more.
  bool is_offline() const { return log_->is_offline(); }
  base::Result<void> close();

 private:
  explicit MetadataLog(Params params);
  base::Result<void> open_log();
  base::Result<void> load_snapshot();
  base::Result<void> fit_to_snapshot();
  base::Result<void> load_election();
  base::Result<void> load_voters();
  base::Result<void> make_durable();
  base::Result<void> not_appended(const protocol::KafkaError& error) const;
  raft::OffsetAndEpoch origin(int32_t first_epoch) const;
  base::Result<void> remove_leftovers();

  // metadata_log_committed.cc
  base::Result<void> load_committed();
  base::Result<void> check_committed() const;
  base::Result<void> note_committed(int64_t durable);

  Params params_;
  std::string directory_;
  std::shared_ptr<log::Log> log_;
  raft::ElectionState election_;
  Snapshot snapshot_;
  raft::VoterHistory voters_;
  std::string snapshot_problems_;  // of newer ones than `snapshot_`
  int64_t committed_ = 0;          // on disk: everything below was, and durable here
  std::optional<base::Clock::Monotonic> committed_noted_;
};

}  // namespace longhaul::broker::metadata
