// A partition as this broker has it: a log, and the role the controller gave us for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "base/executor.h"
#include "broker/log/log.h"
#include "broker/log/log_copy.h"
#include "broker/log/log_manager.h"
#include "broker/metadata/image.h"
#include "broker/partition/in_sync_replicas.h"
#include "broker/partition/role_mutex.h"
#include "broker/partition/topic_settings.h"
#include "broker/partition/waiters.h"
#include "protocol/kafka_error.h"
#include "records/compression.h"
#include "records/validate.h"

namespace longhaul::broker::partition {

using protocol::ErrorCode;
using protocol::KafkaResult;

/// Takes proposals to the controller. What becomes of them is told by `Partition::isr_decided` or
/// `isr_refused`, or by the metadata.
class IsrProposals {
 public:
  virtual ~IsrProposals() = default;
  /// From any thread; must not block, nor call the partition.
  virtual void propose(const log::TopicPartition& partition, const base::Uuid& topic_id,
                       IsrProposal proposal) = 0;
};

/// What all partitions of a broker share; outlives them.
struct Surroundings {
  int32_t broker_id = -1;
  const base::Clock& clock;
  const Eligibility& brokers;
  IsrProposals& proposals;
  base::Clock::Monotonic max_lag;  ///< replica.lag.time.max.ms
  base::Executor& workers;         ///< for fsync
};

/// How far a reader may see.
enum class Isolation {
  kLogEnd,           ///< followers
  kHighWatermark,    ///< consumers, read_uncommitted
  kLastStableOffset  ///< consumers, read_committed (KIP-98)
};

struct ProduceOptions {
  bool acks_all = false;
  log::AppendOrigin origin = log::AppendOrigin::kClient;
  bool zstd_allowed = true;  // Produce below version 7 knows no zstd
  int64_t now_ms = 0;        // wall clock
};

struct ProduceResult {
  int64_t base_offset = -1;
  int64_t next_offset = -1;  // what must be committed for acks=all
  int32_t leader_epoch = -1;
  int64_t log_append_time_ms = -1;  // only if the topic stamps records itself
  int64_t log_start_offset = -1;
};

/// Why records were not appended, and which of them are at fault if it is they (KIP-467).
struct AppendFailure {
  ErrorCode code = ErrorCode::kUnknownServerError;
  std::string message;
  std::vector<records::RecordError> record_errors;
};

/// A fetcher that is a replica.
struct Follower {
  int32_t broker_id = -1;
  int64_t broker_epoch = -1;  // -1: it did not say (KIP-903)
  int64_t log_start_offset = -1;
};

struct FetchOptions {
  int64_t offset = 0;
  uint64_t max_bytes = 0;
  bool at_least_one_batch = false;
  int32_t current_leader_epoch = -1;  // -1: not checked (KIP-320)
  int32_t last_fetched_epoch = -1;    // -1: not checked (KIP-595)
  Isolation isolation = Isolation::kHighWatermark;
  std::optional<Follower> follower = {};  // with kLogEnd
  bool from_any_replica = false;          // a consumer that knows KIP-392
};

/// What a follower appends: batches as its leader sent them, and what the leader said with them.
struct Replicated {
  int32_t leader_epoch = -1;
  base::ByteView batches;
  int64_t high_watermark = -1;
  int64_t log_start_offset = -1;
};

struct FetchResult {
  base::FileSlice slice;
  int64_t high_watermark = -1;
  int64_t last_stable_offset = -1;
  int64_t log_start_offset = -1;
  /// The fetcher's log is another than ours from here on: nothing was read.
  std::optional<log::EpochEnd> diverging;
  std::optional<std::vector<log::AbortedTransaction>> aborted;  // read_committed only
};

/// Thread-safe. Requests come on reactors, roles from the metadata loop.
///
/// Of a topic with longhaul.durability=fsync only what is on a replica's disk counts as its own: a
/// follower fetches on after a flush, a leader flushes what was appended, all of it together, and
/// what all members of the ISR have on their disks is committed.
class Partition : public std::enable_shared_from_this<Partition> {
 public:
  Partition(const Surroundings& surroundings, std::shared_ptr<log::Log> log,
            std::shared_ptr<const TopicSettings> settings);
  ~Partition();
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  const log::TopicPartition& id() const { return id_; }
  base::Uuid topic_id() const { return topic_id_; }
  /// The log as of now: another may take its place (KIP-113), which goes on at the same offset.
  std::shared_ptr<log::Log> log() const { return log_.load(); }

  /// Takes the role that the metadata gives this broker. Returns whether it has become the leader,
  /// or stopped being it, by this.
  enum class RoleChange { kNone, kBecameLeader, kResigned };
  RoleChange apply(const metadata::Partition& state);
  void set_settings(std::shared_ptr<const TopicSettings> settings);
  std::shared_ptr<const TopicSettings> settings() const { return settings_.load(); }
  bool is_leader() const;
  /// longhaul.durability=fsync.
  bool commits_on_disk() const { return settings_.load()->on_disk; }
  /// As a follower: true if this is to be flushed before more is fetched.
  bool must_flush() const;
  /// Log::flush, of whatever log this has when it is done.
  base::Result<void> flush();
  int32_t leader_epoch() const;
  /// Whoever waits is told NOT_LEADER_OR_FOLLOWER; the partition serves nothing any more.
  void stop();

  /// True if `append` would decompress, compress or wait for the disk: work for a worker.
  bool is_heavy(base::ByteView batch) const;
  /// Validates the one batch in `batch` (docs/formats/records.md) and appends it. It is patched in
  /// place, or made anew where the topic's settings demand it. `codecs` are the calling thread's.
  tl::expected<ProduceResult, AppendFailure> append(std::span<uint8_t> batch,
                                                    const ProduceOptions& options,
                                                    records::Codecs& codecs);
  /// A producer's batch was refused before it came here, and will come again.
  void note_refused(const records::BatchHeader& batch);
  /// Tells the waiter once all that was written is committed. At once if it is already;
  /// NOT_LEADER_OR_FOLLOWER if this broker stopped leading since, even if it leads again.
  void await_commit(const ProduceResult& written, CommitWaiter waiter);

  /// Deletes what lies below `offset` (-1: below the high watermark) and returns where the log
  /// starts now; that is durable once the log's checkpoints are written. The files go later.
  /// OFFSET_OUT_OF_RANGE above the high watermark, POLICY_VIOLATION for a topic from which nothing
  /// is deleted (KIP-107).
  KafkaResult<int64_t> delete_records(int64_t offset);
  /// Tells the waiter once no replica that is alive has anything below `offset` any more.
  void await_deletion(int64_t offset, CommitWaiter waiter);

  /// True while a new leader does not know yet of all that its predecessor told readers: what it
  /// calls committed may lie below (KIP-207).
  bool is_catching_up(Isolation isolation) const;
  /// The end of what a reader sees.
  int64_t upper_bound(Isolation isolation) const;
  /// A follower's fetch also says how far that has come: what is committed follows, and it may join
  /// the ISR. NOT_LEADER_OR_FOLLOWER if it is no replica.
  KafkaResult<FetchResult> fetch(const FetchOptions& options);
  /// Whether copying this replica counts against a quota, as the leader's or as a follower
  /// (KIP-73).
  bool is_throttled_as_leader() const;
  bool is_throttled_as_follower() const;
  /// Members of the ISR are never held back by a quota.
  bool is_in_sync(int32_t broker_id) const;
  /// As a leader: which follower a consumer should rather read from, that is near while we are not
  /// (KIP-392).
  std::optional<int32_t> nearer_replica(int64_t offset, const IsNear& is_near);
  /// Tells the watcher as soon as there may be more to fetch than there was when this returns.
  void watch(std::weak_ptr<Watcher> watcher, Isolation isolation);

  /// As a leader: proposes that members go that have lagged for too long. To be called now and
  /// then.
  void shrink_isr();
  /// What the controller answered to a proposal.
  void isr_decided(const IsrDecision& decision);
  void isr_refused(const IsrProposal& proposal);

  /// As a follower: appends what the leader of this epoch sent. FENCED_LEADER_EPOCH if that is not
  /// the epoch we follow (any longer), NOT_LEADER_OR_FOLLOWER if we do not follow; else as
  /// Log::append_as_follower. An empty log that begins within the first batch, where the leader's
  /// does, takes that whole.
  KafkaResult<void> replicate(const Replicated& from_leader);
  /// As a follower: cuts off what the leader of this epoch does not have. Errors likewise.
  KafkaResult<void> truncate(int32_t leader_epoch, int64_t offset);
  /// As a follower whose log lies below all that the leader still has: begins anew at `offset`.
  KafkaResult<void> start_over(int32_t leader_epoch, int64_t offset);

  // A move to another log directory (KIP-113), in partition_move.cc: whoever makes it, on one
  // thread at a time, calls these. What is cut off the log is cut off its copy too. A disk error of
  // the copy takes that offline, with its directory.
  struct Move {
    std::shared_ptr<log::Log> copy;
    base::Uuid directory;                 ///< where it lies
    int64_t first_dirty = 0;              ///< compaction of what is copied went so far at least
    std::atomic<bool> announced = false;  ///< the controller is to know of the new directory
  };
  /// `first_dirty` is that of the log when the copy was begun, or less. The disk's errors.
  base::Result<void> begin_move(const log::HeldLog& future, int64_t first_dirty);
  void end_move();
  /// Null if none is under way, or this is stopped.
  std::shared_ptr<Move> move() const;
  /// Where the replica is about to be, once the copy has caught up for the first time.
  std::optional<base::Uuid> announced_directory() const;
  /// That the metadata have it there.
  bool is_assigned_to(const base::Uuid& directory) const;
  /// Copies about so many bytes; has caught up if it has all that there was when this began. Errors
  /// of log::read_missing and log::append_missing.
  KafkaResult<log::Copied> copy_on(uint64_t max_bytes);
  /// Has `exchange` put the copy in the place of the log, between two appends, if it has all that
  /// that has, is where the metadata say, and starts at `durable_start`. False: not yet.
  KafkaResult<bool> finish_move(int64_t durable_start,
                                const std::function<base::Result<void>()>& exchange);

  /// KAFKA_STORAGE_ERROR (its directory has failed), NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH,
  /// UNKNOWN_LEADER_EPOCH or kNone.
  ErrorCode check_leader(int32_t current_leader_epoch) const;
  KafkaResult<log::EpochEnd> end_offset_for_epoch(int32_t epoch,
                                                  int32_t current_leader_epoch) const;

 private:
  /// `any_replica`: one that follows will do.
  ErrorCode check_leader_locked(int32_t current_leader_epoch, bool any_replica = false) const;
  /// Why nothing is appended now, if so.
  std::optional<AppendFailure> refusal_locked(base::ByteView batch, const ProduceOptions& options);
  tl::expected<ProduceResult, AppendFailure> append_valid(std::span<uint8_t> batch,
                                                          const ProduceOptions& options);
  KafkaResult<void> check_following_locked(int32_t leader_epoch) const;
  KafkaResult<FetchResult> read_locked(const FetchOptions& options) const;
  KafkaResult<void> replicate_locked(const Replicated& from_leader);
  KafkaResult<void> begin_within_batch_locked(const Replicated& from_leader, int64_t base_offset);
  /// Not above the high watermark.
  KafkaResult<void> start_at_locked(int64_t log_start_offset);
  /// True if the ISR is smaller than min.insync.replicas: nothing new is committed (KIP-966).
  bool is_under_min_isr_locked() const;
  /// There is no room here: another member of the ISR is to lead, if there are enough of them.
  void step_down_locked();
  void advance_high_watermark();
  /// As a leader of what is committed on disks: flushes, soon, all that was appended until then.
  void flush_soon();
  void post_flush();
  void flush_now();
  void finish_deletions();
  void cut_copy_locked();
  void start_copy_over_locked(int64_t offset);
  /// Those who wait in vain once this broker does not lead any more.
  std::vector<CommitCallback> take_waiting();
  const Surroundings& surroundings_;
  const int32_t broker_id_;
  const log::TopicPartition id_;
  const base::Uuid topic_id_;
  log::Published<log::Log> log_;  // changes under role_mutex_ only
  log::Published<const TopicSettings> settings_;

  // Held shared by appends and reads, exclusively while the role changes.
  mutable RoleMutex role_mutex_;
  int32_t leader_id_ = metadata::kNoLeader;
  int32_t leader_epoch_ = -1;
  int32_t leads_since_ = -1;  // the first epoch of ours without another leader between
  int32_t partition_epoch_ = -1;
  std::vector<int32_t> isr_;
  size_t replicas_ = 0;
  base::Uuid assigned_directory_;  // of this replica, by the metadata
  std::shared_ptr<Move> move_;
  bool stopped_ = false;

  mutable std::mutex commit_mutex_;                     // after role_mutex_
  InSyncReplicas in_sync_;                              // of a leader
  std::optional<base::Clock::Monotonic> stepped_down_;  // when it last wanted to
  CommitWaiters commit_waiters_;
  CommitWaiters deletion_waiters_;           // by the log start offset of all replicas
  Watchers watchers_;                        // of the high watermark
  Watchers end_watchers_;                    // of the log's end
  std::atomic<uint64_t> flushes_wanted_{0};  // by appends since the last flush began
};

}  // namespace longhaul::broker::partition
