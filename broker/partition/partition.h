// A partition as this broker has it: a log, and the role the controller gave us for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "broker/log/log.h"
#include "broker/metadata/image.h"
#include "broker/partition/in_sync_replicas.h"
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
class Partition {
 public:
  Partition(const Surroundings& surroundings, std::shared_ptr<log::Log> log,
            std::shared_ptr<const TopicSettings> settings);
  ~Partition();
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  const log::TopicPartition& id() const { return log_->id(); }
  base::Uuid topic_id() const { return log_->topic_id(); }
  const std::shared_ptr<log::Log>& log() const { return log_; }

  /// Takes the role that the metadata gives this broker. Returns whether it has become the leader,
  /// or stopped being it, by this.
  enum class RoleChange { kNone, kBecameLeader, kResigned };
  RoleChange apply(const metadata::Partition& state);
  void set_settings(std::shared_ptr<const TopicSettings> settings);
  std::shared_ptr<const TopicSettings> settings() const { return settings_.load(); }
  bool is_leader() const;
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
  /// Calls `done` once all that was written is committed. At once if it is already;
  /// NOT_LEADER_OR_FOLLOWER if this broker stopped leading since, even if it leads again.
  void await_commit(const ProduceResult& written, CommitCallback done);

  /// Deletes what lies below `offset` (-1: below the high watermark) and returns where the log
  /// starts now; that is durable once the log's checkpoints are written. The files go later.
  /// OFFSET_OUT_OF_RANGE above the high watermark, POLICY_VIOLATION for a topic from which nothing
  /// is deleted (KIP-107).
  KafkaResult<int64_t> delete_records(int64_t offset);
  /// Calls `done` once no replica that is alive has anything below `offset` any more.
  void await_deletion(int64_t offset, CommitCallback done);

  /// True while a new leader does not know yet of all that its predecessor told readers: what it
  /// calls committed may lie below (KIP-207).
  bool is_catching_up(Isolation isolation) const;
  /// The end of what a reader sees.
  int64_t upper_bound(Isolation isolation) const;
  /// A follower's fetch also says how far that has come: what is committed follows, and it may join
  /// the ISR. NOT_LEADER_OR_FOLLOWER if it is no replica.
  KafkaResult<FetchResult> fetch(const FetchOptions& options);
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
  /// Log::append_as_follower.
  KafkaResult<void> replicate(const Replicated& from_leader);
  /// As a follower: cuts off what the leader of this epoch does not have. Errors likewise.
  KafkaResult<void> truncate(int32_t leader_epoch, int64_t offset);
  /// As a follower whose log lies below all that the leader still has: begins anew at `offset`.
  KafkaResult<void> start_over(int32_t leader_epoch, int64_t offset);

  /// KAFKA_STORAGE_ERROR (its directory has failed), NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH,
  /// UNKNOWN_LEADER_EPOCH or kNone.
  ErrorCode check_leader(int32_t current_leader_epoch) const;
  KafkaResult<log::EpochEnd> end_offset_for_epoch(int32_t epoch,
                                                  int32_t current_leader_epoch) const;

 private:
  /// `any_replica`: one that follows will do.
  ErrorCode check_leader_locked(int32_t current_leader_epoch, bool any_replica = false) const;
  KafkaResult<void> check_following_locked(int32_t leader_epoch) const;
  KafkaResult<FetchResult> read_locked(const FetchOptions& options) const;
  /// True if the ISR is smaller than min.insync.replicas: nothing new is committed (KIP-966).
  bool is_under_min_isr_locked() const;
  void advance_high_watermark();
  void finish_deletions();
  /// Those who wait in vain once this broker does not lead any more.
  std::vector<CommitCallback> take_waiting();
  const Surroundings& surroundings_;
  const int32_t broker_id_;
  const std::shared_ptr<log::Log> log_;
  log::Published<const TopicSettings> settings_;

  // Held shared by appends and reads, exclusively while the role changes.
  mutable std::shared_mutex role_mutex_;
  int32_t leader_id_ = metadata::kNoLeader;
  int32_t leader_epoch_ = -1;
  int32_t leads_since_ = -1;  // the first epoch of ours without another leader between
  int32_t partition_epoch_ = -1;
  std::vector<int32_t> isr_;
  size_t replicas_ = 0;
  bool stopped_ = false;

  mutable std::mutex commit_mutex_;  // after role_mutex_
  InSyncReplicas in_sync_;           // of a leader
  CommitWaiters commit_waiters_;
  CommitWaiters deletion_waiters_;  // by the log start offset of all replicas
  Watchers watchers_;               // of the high watermark
  Watchers end_watchers_;           // of the log's end
};

}  // namespace longhaul::broker::partition
