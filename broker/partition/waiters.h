// Who waits for a partition to move on.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/task.h"
#include "protocol/error_code.h"

namespace longhaul::broker::partition {

/// Somebody who waits for news of some partitions, such as a long poll. One and the same watcher
/// may wait at several partitions, and is told by the first one that has news.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// From any thread; must not block, nor call the partition.
  virtual void notify() = 0;
};

/// The watchers of one partition. Those that were told or destroyed are forgotten: waiting costs
/// memory, not time. Thread-safe.
class Watchers {
 public:
  void add(std::weak_ptr<Watcher> watcher);
  void notify_all();
  /// How many are remembered, some of them perhaps gone.
  size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<Watcher>> watchers_;
  size_t sweep_at_ = 16;  // when there are as many, those that are gone are dropped
};

/// Called once: with kNone as soon as the offset waited for is committed, else with why it will
/// not be. From any thread; must not block, nor call the partition.
using CommitCallback = base::Callback<void(protocol::ErrorCode)>;

/// Produces that wait for the high watermark (acks=all). Not thread-safe.
class CommitWaiters {
 public:
  /// `offset`: the first one after what must be committed.
  void add(int64_t offset, CommitCallback done);
  /// Takes out those that wait for offsets up to the high watermark.
  std::vector<CommitCallback> take_committed(int64_t high_watermark);
  std::vector<CommitCallback> take_all();
  bool empty() const { return heap_.empty(); }

 private:
  struct Entry {
    int64_t offset;
    CommitCallback done;
  };
  std::vector<Entry> heap_;  // the smallest offset on top
};

}  // namespace longhaul::broker::partition
