// One partition's log: its segments, what it knows of producers and leader epochs, and its files.
// docs/formats/log-directory.md has the layout of the directory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_slice.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/result.h"
#include "base/uuid.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_config.h"
#include "broker/log/log_result.h"
#include "broker/log/producer_state.h"
#include "broker/log/published.h"
#include "broker/log/segment.h"
#include "broker/log/transaction_index.h"
#include "records/batch.h"

namespace longhaul::broker::log {

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;
  /// "topic-partition", the name of its directory.
  std::string to_string() const { return topic + "-" + std::to_string(partition); }
};

/// Who writes. Only a client's sequence numbers are checked; everybody's are remembered.
enum class AppendOrigin { kClient, kCoordinator, kRaft };

struct AppendOptions {
  int32_t leader_epoch = 0;
  AppendOrigin origin = AppendOrigin::kClient;
};

struct AppendResult {
  int64_t first_offset = -1;
  int64_t last_offset = -1;
  /// The maximal timestamp of the duplicate's original; else of what was written.
  int64_t max_timestamp = records::kNoTimestamp;
  int64_t log_start_offset = 0;
  /// The batch was here before: the offsets are those it got then, and nothing was written.
  bool duplicate = false;
};

struct ReadOptions {
  int64_t offset = 0;
  uint64_t max_bytes = 0;
  /// No record at or above this offset: the high watermark, last stable offset or end offset.
  int64_t upper_bound = 0;
  /// The first batch is returned even if it alone is larger than max_bytes.
  bool at_least_one_batch = false;
  /// For read_committed consumers: tells the transactions that were aborted (KIP-98).
  bool with_aborted = false;
};

struct ReadResult {
  /// From one segment. Begins with the batch that holds the offset asked for (or the next one
  /// there is), and may end within a batch where max_bytes cuts it. Empty at the upper bound.
  base::FileSlice slice;
  int64_t log_start_offset = 0;
  int64_t high_watermark = 0;
  /// There is a batch, but it is larger than max_bytes and at_least_one_batch was not set.
  bool first_batch_too_large = false;
  /// Those with records from the offset asked for up to the upper bound.
  std::vector<AbortedTransaction> aborted;
};

/// A record found by its timestamp.
struct TimestampedOffset {
  int64_t offset = -1;
  int64_t timestamp = records::kNoTimestamp;
  int32_t leader_epoch = -1;
};

/// What there is to compact in a log, as of one moment. In bytes of whole segments.
struct Cleanable {
  int64_t first_dirty = 0;  // compaction went so far already
  int64_t end = 0;          // and may now go up to here
  uint64_t clean_bytes = 0;
  uint64_t dirty_bytes = 0;
  bool is_overdue = false;  // max.compaction.lag.ms has passed for some of it
  /// All segments that begin below `end`, and where the one behind them begins.
  std::vector<std::shared_ptr<Segment>> segments;
  int64_t segments_end = 0;
  uint64_t truncations = 0;  // of the log so far

  /// What min.cleanable.dirty.ratio is compared with.
  double dirty_ratio() const {
    uint64_t total = clean_bytes + dirty_bytes;
    return total == 0 ? 0 : static_cast<double>(dirty_bytes) / static_cast<double>(total);
  }
};

/// Where a batch of a cold segment cannot be read, or has a wrong CRC.
struct Damage {
  std::shared_ptr<Segment> segment;
  uint64_t position = 0;     // in its file
  int64_t offset = 0;        // behind the batch before it
  uint64_t truncations = 0;  // of the log when it was found
};

/// Thread-safe. Appends, rolls, truncation and retention exclude each other by one mutex; reads
/// take none but leaf locks held for a few instructions, and never wait for an append's I/O.
///
/// A disk error never makes a torn batch visible: what a failed append left behind is cut off at
/// once, and if that fails too, or a sync fails, the log goes offline: reads of what is there go
/// on, everything else answers KAFKA_STORAGE_ERROR. What is wrong with one log alone (rot, or a
/// shortage where there was no way back) takes no other offline.
class Log {
 public:
  struct Params {
    base::FileSystem* files = nullptr;
    const base::Clock* clock = nullptr;
    base::Logger logger;
    /// <log.dir>/<topic>-<partition>; created if absent.
    std::string path;
    TopicPartition id;
    /// Written to partition.metadata if there is none yet. Zero: not known.
    base::Uuid topic_id;
    std::shared_ptr<const LogConfig> config;
    /// It is the broker's, as the topic's own options are not known yet: until set_config nothing
    /// is deleted or compacted.
    bool config_is_presumed = false;
    /// The last stop was orderly: nothing needs to be scanned.
    bool clean = false;
    /// From the directory's checkpoints; 0 where they say nothing.
    int64_t recovery_point = 0;
    /// There was one, perhaps, but its checkpoint is gone: any gap may be compaction's.
    bool recovery_point_lost = false;
    int64_t log_start_offset = 0;
    int64_t high_watermark = 0;
    int64_t first_dirty_offset = 0;
    int64_t producer_expiration_ms = 86'400'000;
    /// Asked now and then while `open` recovers; true ends that with kCancelled. What was recovered
    /// by then is no worse than before, and the next start begins anew.
    std::function<bool()> cancelled;
    /// Called, with the log's lock held, when checkpoints on disk claim more than holds any longer
    /// (truncation): writes recovery point and log start offset of this log's directory anew.
    std::function<base::Result<void>()> write_checkpoints;
    /// Called once when a disk error has taken this log offline. May come from any thread, with
    /// the log's lock held.
    std::function<void(const base::Error&)> on_failure;
  };

  /// Opens or creates. After an unclean stop everything from the recovery point on is read and
  /// checked, cut at the first byte that is not right, and indexes and producers built anew. What
  /// was durable is never cut: where it has rotted it stays, for a repair.
  static base::Result<std::shared_ptr<Log>> open(Params params);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  const TopicPartition& id() const { return id_; }
  /// Zero if not known.
  base::Uuid topic_id() const;
  /// Gives a log without a topic ID one; kConflict if it has another.
  base::Result<void> set_topic_id(const base::Uuid& topic_id);
  /// Its directory.
  std::string path() const { return directory_->path(); }
  base::FileSystem& files() const { return files_; }

  std::shared_ptr<const LogConfig> config() const { return config_.load(); }
  void set_config(std::shared_ptr<const LogConfig> config) {
    config_.store(std::move(config));
    config_is_presumed_.store(false, std::memory_order_release);
  }
  bool config_is_presumed() const { return config_is_presumed_.load(std::memory_order_acquire); }

  /// Offsets. The start never decreases but by truncation, the end is the next one to be given.
  int64_t log_start_offset() const { return log_start_.load(std::memory_order_acquire); }
  /// Where the first segment begins: at or below the log start offset.
  int64_t first_base_offset() const { return segments_.load()->front()->base_offset(); }
  /// Where it would begin if power were lost now: at or below that. What was removed may come back
  /// until its directory is synced.
  int64_t durable_base_offset() const { return durable_base_.load(std::memory_order_acquire); }
  int64_t log_end_offset() const { return log_end_.load(std::memory_order_acquire); }
  int64_t high_watermark() const { return high_watermark_.load(std::memory_order_acquire); }
  /// Below it everything is decided: the high watermark, or less while a transaction is open.
  int64_t last_stable_offset() const;
  /// Everything below is on stable storage.
  /// True if the last append found no room. Another may.
  bool is_out_of_space() const;
  int64_t recovery_point() const { return recovery_point_.load(std::memory_order_acquire); }
  /// Clamped to [log start, log end].
  void set_high_watermark(int64_t offset);

  /// Writes validated batches (CRC, counts, timestamps: the caller has checked them) behind the
  /// end. Offsets and leader epoch are patched into `batches` in place; then it is written from
  /// there. NOT_LEADER..., fencing and throttling are the caller's. Errors:
  /// INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, KAFKA_STORAGE_ERROR, CORRUPT_MESSAGE,
  /// RECORD_LIST_TOO_LARGE (more than a segment holds).
  LogResult<AppendResult> append_as_leader(std::span<uint8_t> batches,
                                           const AppendOptions& options);
  /// A client's batch was refused before it came here, and will come again: one that its producer
  /// had sent behind it is not to be taken for that one's first (KIP-360 lets it begin anywhere).
  void note_refused(const records::BatchHeader& batch);
  /// Writes batches as the leader has them: offsets and epochs are theirs. A batch that is cut off
  /// at the end is ignored, as are batches that end below the log's end. CRCs are checked here.
  /// CORRUPT_MESSAGE, OFFSET_OUT_OF_RANGE (a batch reaches over the end), KAFKA_STORAGE_ERROR.
  LogResult<AppendResult> append_as_follower(base::ByteView batches);

  /// OFFSET_OUT_OF_RANGE below the start or above the end; KAFKA_STORAGE_ERROR.
  LogResult<ReadResult> read(const ReadOptions& options);
  /// Transactions aborted within [from, to), for read_committed consumers (KIP-98).
  base::Result<std::vector<AbortedTransaction>> aborted_transactions(int64_t from,
                                                                     int64_t to) const;

  /// The first record with at least this timestamp (KIP-79); absent if there is none. Reads and
  /// decompresses the batch it lies in: run it where work may block.
  base::Result<std::optional<TimestampedOffset>> offset_for_timestamp(int64_t timestamp);
  /// The record with the largest timestamp, the first of several (KIP-734); absent if empty.
  base::Result<std::optional<TimestampedOffset>> offset_of_max_timestamp();

  /// Leader epochs (KIP-101, KIP-279).
  EpochEnd end_offset_for_epoch(int32_t epoch) const;
  std::optional<int32_t> latest_epoch() const { return epochs_.latest(); }
  std::optional<int32_t> epoch_of_offset(int64_t offset) const { return epochs_.epoch_of(offset); }
  /// A new leader notes where its epoch begins, which is the log's end.
  void begin_epoch(int32_t epoch);

  /// Cuts off everything at and above `offset`, and a batch that reaches beyond it; the end is then
  /// `offset` or the beginning of that batch.
  base::Result<void> truncate_to(int64_t offset);
  /// Removes everything; the log goes on, empty, at `offset`.
  base::Result<void> truncate_fully_and_start_at(int64_t offset);
  /// DeleteRecords, and what a leader told its follower. Ignored unless larger than the start;
  /// kInvalidArgument above the high watermark.
  base::Result<void> advance_log_start_offset(int64_t offset);

  /// Makes the start and the recovery point durable, as of now.
  base::Result<void> write_checkpoints() {
    return write_checkpoints_ ? write_checkpoints_() : base::Result<void>();
  }

  /// Begins a new segment now.
  base::Result<void> roll();
  /// Writes everything up to the end that this call sees to stable storage, and the recovery point
  /// follows. Appends go on meanwhile.
  base::Result<void> flush();
  /// flush() if flush.ms asks for it, or segments below the active one wait for it.
  base::Result<void> flush_if_due(int64_t now_ms);
  /// True if flush.messages asks for a flush: to be done before an answer to the append.
  bool flush_is_due() const;
  /// Removes segments that retention time, size or the log start offset leave nothing of, up to
  /// the high watermark. Returns how many.
  base::Result<size_t> delete_old_segments(int64_t now_ms);
  /// Unlinks files of removed segments whose file.delete.delay.ms is over.
  void remove_deleted_files(int64_t now_ms);
  void expire_producers(int64_t now_ms);
  /// Closes handles that were not used since the previous call.
  void close_idle_files();

  /// Flushes, writes indexes and the producer snapshot, and closes. Writes fail afterwards.
  base::Result<void> close();
  /// Gives the directory another path, on the same disk, and goes on there.
  base::Result<void> rename_directory(const std::string& path);
  /// Knows of producers and leader epochs what another log knows that has the same batches, and
  /// that its compaction went as far as `first_dirty`.
  base::Result<void> take_over(const Log& other, int64_t first_dirty);
  /// Closes without writing anything, renames the directory to `path` and lets it be removed.
  base::Result<void> abandon(const std::string& path);

  // Compaction; see log_compaction.h.
  Cleanable cleanable(int64_t now_ms) const;
  /// From here on compaction has not looked at records.
  int64_t first_dirty_offset() const { return first_dirty_.load(std::memory_order_acquire); }
  /// Everything below `offset` is durable, and on disk it says so: after a crash nobody takes holes
  /// in it for damage.
  base::Result<void> secure_below(int64_t offset);
  /// Puts one segment, whose files lie beside the log's under names with ".cleaned" and were
  /// written with `config`, in the place of these of a Cleanable with so many truncations, which
  /// follow each other. They are durable, and whatever interrupts this, the log has either those
  /// segments or this one. kConflict if the log has changed since. After an error nothing was done,
  /// unless the log is offline.
  base::Result<void> replace_segments(std::span<const std::shared_ptr<Segment>> old,
                                      uint64_t truncations, const LogConfig& config);
  /// Compaction of such a Cleanable is done up to here; on disk too.
  base::Result<void> finish_compaction(int64_t first_dirty, uint64_t truncations);
  /// What it holds cannot be compacted: nobody tries again before it is repaired, or the next
  /// start.
  void set_uncleanable() { uncleanable_.store(true, std::memory_order_release); }
  bool is_uncleanable() const { return uncleanable_.load(std::memory_order_acquire); }

  /// The first segment from this base offset on that is durable and not written to any more (null:
  /// there is none), and how often the log was cut back so far: for who reads them all, one by one,
  /// and meets a file that became shorter.
  std::shared_ptr<Segment> next_cold_segment(int64_t from) const;
  /// Puts batches that another replica has from `damage.offset` on in the place of what is damaged,
  /// durably, up to where what is here goes on. False, and nothing is changed: they do not reach
  /// that far. kCorrupt: they are no better. kConflict: the log has changed, or is laid out
  /// differently (as after a compaction).
  base::Result<bool> repair(const Damage& damage, base::ByteView bytes);
  uint64_t truncations() const;

  uint64_t size_bytes() const;
  size_t segment_count() const { return segments_.load()->size(); }
  /// Refuses everything but reads from now on. Takes no lock.
  void take_offline() { offline_.store(true, std::memory_order_release); }
  bool is_offline() const { return offline_.load(std::memory_order_acquire); }
  /// A disk error that somebody else met in its files: it goes offline, and its directory with it.
  void fail(const base::Error& why) { go_offline(why); }
  /// For DescribeProducers.
  std::vector<ProducerEntry> producers() const;

 private:
  friend class LogLoader;
  explicit Log(Params params);

  using SegmentPtr = std::shared_ptr<Segment>;
  using SegmentList = std::vector<SegmentPtr>;
  using Batches = std::span<const records::BatchView>;

  /// What readers may see, as of one moment: the active segment's bytes end where `end` is, which
  /// neither its size nor the end alone could promise beside an append or a truncation.
  struct Readable {
    std::shared_ptr<const SegmentList> segments;
    int64_t end = 0;
    uint64_t active_bytes = 0;
  };

  struct RemovedFile {
    std::string path;
    int64_t due_ms = 0;
  };

  // All below with mutex_ held, unless said otherwise.

  // log.cc
  LogResult<> refuse_if_offline() const;
  base::Result<void> fail_if_offline() const;
  /// Takes the log offline for good, and returns why.
  base::Error go_offline(base::Error why);
  /// Makes durable which files there are. With flush_mutex_, and without mutex_ if need be.
  base::Result<void> sync_directory();
  void publish(std::shared_ptr<const SegmentList> segments, int64_t end, uint64_t active_bytes);
  /// publish() with the segments as they are.
  void move_end(int64_t offset);
  Readable readable() const;  // without mutex_
  void clamp_high_watermark(int64_t offset);
  void note_undecided();

  // log_read.cc, without mutex_
  /// Whose disk cannot be read, leads nobody: it goes offline.
  void note_read_error(const base::Error& error);
  static base::Result<std::vector<AbortedTransaction>> aborted_in(const SegmentList& list,
                                                                  int64_t from, int64_t to);

  // log_append.cc
  LogResult<std::optional<ProducerBatch>> check_producers(Batches batches) const;
  LogResult<AppendResult> append_locked(base::ByteView bytes, Batches batches);
  LogResult<AppendResult> refuse_append(Batches batches, const base::Error& why);
  base::Result<void> roll_if_needed(Batches batches, size_t bytes);
  base::Result<void> roll_locked(int64_t base_offset);
  base::Result<void> note_batch(const records::BatchView& batch);
  base::Result<void> note_producer(const records::BatchView& batch);
  base::Result<void> write_snapshot(bool sync);

  // log_truncate.cc
  base::Result<void> truncate_locked(int64_t offset);
  base::Result<void> remove_segments_from(const SegmentList& list, size_t first);
  /// Producers as of `end`: the newest snapshot up to there, and what follows it. Removes snapshots
  /// above `end` and those that are torn.
  base::Result<void> reload_producers(int64_t end);
  base::Result<void> load_snapshot(int64_t end);
  base::Result<void> remove_snapshots();
  /// Rot in a batch that was durable is no reason to refuse all others: it is logged.
  base::Result<void> tolerate_damage(base::Result<void> result) const;
  base::Result<void> start_over_locked(int64_t offset);
  void note_truncation(int64_t end);
  /// What a truncation has to make durable before anything is written behind it. Where what that
  /// takes is short, it is owed, and appends are refused as on a full disk.
  base::Result<void> settle_truncation();

  // log_compact.cc
  base::Result<void> begin_swap(std::span<const SegmentPtr> old);  // without mutex_
  base::Result<std::shared_ptr<Segment>> swap_in(std::span<const SegmentPtr> old,
                                                 const LogConfig& config);  // without mutex_

  // log_retention.cc
  base::Result<void> prepare_deletion(int64_t now_ms);
  size_t count_deletable(const SegmentList& list, int64_t now_ms, const char** why) const;
  base::Result<void> delete_leading(const SegmentList& list, size_t count, int64_t now_ms);

  // log_flush.cc; flush_segments without mutex_.
  base::Result<void> flush_segments(const SegmentList& list, int64_t from);
  /// Index and small files may wait for what is short; any other error is final.
  base::Result<void> tolerate_shortage(base::Result<void> result);
  base::Result<void> sync_small_files(int64_t from, int64_t snapshot);

  base::FileSystem& files_;
  const base::Clock& clock_;
  base::Logger logger_;
  TopicPartition id_;
  std::shared_ptr<LogDirectory> directory_;
  Published<const LogConfig> config_;
  int64_t producer_expiration_ms_;
  std::function<base::Result<void>()> write_checkpoints_;
  std::function<void(const base::Error&)> on_failure_;

  std::atomic<bool> config_is_presumed_;
  std::atomic<int64_t> log_start_{0};
  std::atomic<int64_t> durable_base_{0};
  std::atomic<int64_t> log_end_{0};
  std::atomic<int64_t> high_watermark_{0};
  std::atomic<int64_t> recovery_point_{0};
  std::atomic<int64_t> first_undecided_;  // of transactions; the largest int64_t: none
  std::atomic<int64_t> last_flush_ms_{0};
  std::atomic<bool> offline_{false};
  std::atomic<bool> uncleanable_{false};
  std::atomic<int64_t> first_dirty_{0};
  Published<const SegmentList> segments_;  // never empty; the last one is active
  mutable std::mutex readable_mutex_;      // a leaf, held for a few instructions
  Readable readable_;
  LeaderEpochCache epochs_;

  // Taken before mutex_: one flush, or change of any segment but the active one, at a time.
  std::mutex flush_mutex_;
  mutable std::mutex mutex_;
  bool closed_ = false;
  bool out_of_space_ = false;  // as of the last append
  bool metadata_unsynced_ = false;
  uint64_t truncations_ = 0;
  bool truncation_owed_ = false;        // to settle_truncation
  bool checkpoints_are_stale_ = false;  // they claim what was cut off
  base::Uuid topic_id_;
  ProducerStates producers_;
  int64_t snapshot_offset_ = -1;  // the newest producer snapshot's; -1: there is none
  std::vector<RemovedFile> removed_;
};

}  // namespace longhaul::broker::log
