// Who waits for a partition to move on.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
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

/// Who waits for a commit.
struct CommitWaiter {
  template <class F>
  requires(std::is_invocable_v<std::decay_t<F>&, protocol::ErrorCode>)
      CommitWaiter(F&& callback)  // NOLINT: a lambda is passed where a CommitWaiter is taken
      : done(std::forward<F>(callback)) {}
  CommitWaiter(CommitCallback callback, std::weak_ptr<const void> whoever)
      : done(std::move(callback)), owner(std::move(whoever)) {}

  /// Nobody does any more: `done` need not be called.
  bool is_gone() const { return owner && owner->expired(); }

  CommitCallback done;
  std::optional<std::weak_ptr<const void>> owner;
};

/// Produces that wait for the high watermark (acks=all). Those whose waiters are gone are dropped
/// now and then, however long the high watermark stands still. Not thread-safe.
class CommitWaiters {
 public:
  /// `offset`: the first one after what must be committed.
  void add(int64_t offset, CommitWaiter waiter);
  /// Takes out those that wait for offsets up to the high watermark.
  std::vector<CommitCallback> take_committed(int64_t high_watermark);
  std::vector<CommitCallback> take_all();
  bool empty() const { return heap_.empty(); }
  /// How many are remembered, some of them perhaps gone.
  size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    int64_t offset;
    CommitWaiter waiter;
  };
  std::vector<Entry> heap_;  // the smallest offset on top
  size_t sweep_at_ = 64;     // when there are as many, those that are gone are dropped
};

}  // namespace longhaul::broker::partition
