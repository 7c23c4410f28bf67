// One fetch, from the first look at its partitions to the answer.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "broker/handlers/call.h"
#include "broker/handlers/fetch_session.h"
#include "broker/handlers/services.h"
#include "broker/partition/partition.h"
#include "protocol/messages/fetch.h"

namespace longhaul::broker::handlers {

/// Lives on the connection's loop; partitions that have news only post to it. While it waits it
/// costs its own memory and one timer. Keeps itself alive until it has answered, or until its
/// connection is closed.
class FetchOperation final : public partition::Watcher,
                             public std::enable_shared_from_this<FetchOperation> {
 public:
  FetchOperation(Services& services, Call call, const protocol::FetchRequest& request,
                 FetchPlan plan);

  void start();
  void notify() override;

 private:
  /// What one partition has to give.
  struct Part {
    FetchEntries::List::iterator entry;
    protocol::FetchResponse::PartitionData data;
    base::FileSlice slice;
    bool throttled = false;  // counts against the leader's quota
  };
  /// What one pass over all partitions found.
  struct Gathered {
    std::vector<Part> parts;
    uint64_t bytes = 0;
    bool urgent = false;  // an error, a diverging log, another replica to ask: not to wait for
  };
  struct Found {
    std::shared_ptr<partition::Partition> partition;
    protocol::ErrorCode error = protocol::ErrorCode::kNone;
  };

  void watch_and_look();
  bool is_enough(const Gathered& gathered) const;
  Gathered gather();
  Found find(const metadata::MetadataImage& image, const FetchEntry& entry) const;
  /// Sends a consumer that is on another rack than we to a follower on its own.
  bool refer(const metadata::MetadataImage& image, partition::Partition& partition,
             const FetchEntry& entry, protocol::FetchResponse::PartitionData& data) const;
  Part read(const metadata::MetadataImage& image, FetchEntries::List::iterator entry,
            uint64_t bytes_so_far) const;
  void throttle(const partition::Partition& partition, Part& part,
                partition::FetchOptions& options) const;
  void finish(Gathered gathered);
  void abandon();
  void stop_waiting();

  Services& services_;
  Call call_;
  FetchPlan plan_;
  std::chrono::milliseconds max_wait_{};
  uint64_t min_bytes_ = 0;
  uint64_t max_bytes_ = 0;
  partition::Isolation isolation_ = partition::Isolation::kHighWatermark;
  int32_t replica_id_ = -1;  // of a follower
  int64_t replica_epoch_ = -1;
  std::string rack_;  // of a consumer that is to read from the nearest replica
  base::TimerId timer_ = 0;
  uint64_t closing_ = 0;  // see net::WhenClosed
  std::atomic<bool> notified_{false};
  bool looked_ = false;  // a follower's word of how far it has come counts once
  bool finished_ = false;
};

}  // namespace longhaul::broker::handlers
