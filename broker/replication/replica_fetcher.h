// Copies partitions from one leader: the follower's side of replication.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "broker/partition/partition.h"
#include "broker/partition/replication_quota.h"
#include "broker/replication/fetch_session.h"
#include "client/channel.h"

namespace longhaul::broker::replication {

struct FetcherSettings {
  std::chrono::milliseconds max_wait{500};  ///< replica.fetch.wait.max.ms
  int32_t min_bytes = 1;                    ///< replica.fetch.min.bytes
  int32_t max_bytes = 10 << 20;             ///< replica.fetch.response.max.bytes
  int32_t partition_bytes = 1 << 20;        ///< replica.fetch.max.bytes
  std::chrono::milliseconds backoff{1000};  ///< replica.fetch.backoff.ms
};

/// One fetch after another over one connection, for all partitions that this broker follows there.
/// A fetch names the epoch of what lies at our end (KIP-595): a leader whose log is another tells
/// where it parts from ours, and we cut there (KIP-101, KIP-279). All on one loop.
class ReplicaFetcher : public std::enable_shared_from_this<ReplicaFetcher> {
 public:
  using Answer = client::Channel::Answer;

  struct Params {
    base::EventLoop* loop = nullptr;
    base::Executor* workers = nullptr;  ///< for flushes
    const base::Clock* clock = nullptr;
    base::Logger logger{base::null_sink(), "fetcher"};
    int32_t leader_id = -1;
    int32_t broker_id = -1;
    std::function<int64_t()> broker_epoch;  ///< from any thread
    /// A connection to the leader, perhaps one that is still being made; null if its address is not
    /// known.
    std::function<std::shared_ptr<client::Channel>()> channel;
    FetcherSettings settings;
    partition::ReplicationQuota* quota = nullptr;  ///< of replicas that are throttled
  };

  static std::shared_ptr<ReplicaFetcher> create(Params params);

  /// Follows the partition under this leader epoch from now on, from where its log ends; `step`
  /// begins with that.
  void add(std::shared_ptr<partition::Partition> partition, int32_t leader_epoch);
  void remove(const FetchSession::PartitionId& id);
  /// Fetches what may be fetched now, or waits for what may be later.
  void step();
  void stop();

 private:
  using PartitionId = FetchSession::PartitionId;
  using Data = protocol::FetchResponse::PartitionData;

  struct Followed {
    std::shared_ptr<partition::Partition> partition;
    int32_t leader_epoch = -1;
    uint64_t first_fetch = 0;  ///< that asks for it under this epoch
    int failures = 0;          ///< one after the other, that may pass soon
    bool resolving = false;    ///< asks where the leader's log begins and ends
    bool flushing = false;     ///< of a partition that counts only what is on disk
    bool given_up = false;     ///< until the metadata says something new
  };

  explicit ReplicaFetcher(Params params) : params_(std::move(params)) {}
  void want(const PartitionId& id, Followed& followed);
  void flush(const PartitionId& id, Followed& followed);
  void flushed(const PartitionId& id, bool well);
  bool is_throttled(const partition::Partition& partition) const;
  bool is_held_back(const partition::Partition& partition) const;
  void send();
  void answered(base::Result<client::Reply<protocol::FetchResponse>> reply);
  void take(const PartitionId& id, const Data& data);
  void take_records(const PartitionId& id, Followed& followed, const Data& data);
  void failed(const PartitionId& id, Followed& followed, protocol::ErrorCode code);
  void stored(const PartitionId& id, Followed& followed, const protocol::KafkaResult<void>& result);
  void give_up(const PartitionId& id, Followed& followed);
  void cut_where_diverging(const PartitionId& id, Followed& followed, const Data& data);
  void begin_anew(const PartitionId& id, Followed& followed, int64_t leader_start);
  void find_range(const PartitionId& id, Followed& followed);
  /// `then` comes with -1 if the leader did not say, and with null if the partition is not followed
  /// under this epoch any more.
  void ask_offset(const PartitionId& id, int32_t leader_epoch, int64_t timestamp,
                  std::function<void(Followed*, int64_t)> then);
  void range_found(const PartitionId& id, Followed* followed, int64_t leader_end,
                   int64_t leader_start);
  void move_into(const PartitionId& id, Followed& followed, int64_t leader_end,
                 int64_t leader_start);
  /// Tries it again after replica.fetch.backoff.ms, or sooner.
  void back_off(const PartitionId& id);
  void back_off(const PartitionId& id, std::chrono::milliseconds delay);
  void wake_at(base::Clock::Monotonic when);

  const Params params_;
  FetchSession session_;
  std::map<PartitionId, Followed> partitions_;
  std::multimap<base::Clock::Monotonic, PartitionId> backed_off_;  // by when they are tried again
  uint64_t fetches_ = 0;                                           // that were sent
  /// Partitions that flush, or ask for their range. The next fetch waits for them: one without them
  /// might stay away for long, and what is asked behind it with it.
  int unsettled_ = 0;
  bool in_flight_ = false;
  bool stopped_ = false;
  base::TimerId timer_ = 0;
};

}  // namespace longhaul::broker::replication
