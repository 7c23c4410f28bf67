// Which objects wait to be reconciled: each at most once, never by two workers at a time.
#pragma once

#include <chrono>
#include <compare>
#include <map>
#include <optional>
#include <set>

#include "operator/kube/store.h"

namespace longhaul::op::kube {

/// One object of one kind to look at.
struct WorkItem {
  const ResourceType* type = nullptr;
  ObjectKey key;
  auto operator<=>(const WorkItem&) const = default;
};

/// A pure queue: the caller brings time and locks. Items become due at once (`add`) or later; the
/// earliest time asked for wins. An item added while it is being worked on waits for `done`.
class WorkQueue {
 public:
  using Time = std::chrono::microseconds;  // base::Clock's monotonic time

  struct BackOff {
    Time first = std::chrono::milliseconds(250);
    Time longest = std::chrono::seconds(60);
  };
  explicit WorkQueue(BackOff back_off) : back_off_(back_off) {}

  void add(const WorkItem& item, Time due);
  /// Adds with a delay that doubles with each failure since the last `forget`.
  void add_after_failure(const WorkItem& item, Time now);
  /// The item went well: its next failure starts with the first delay again.
  void forget(const WorkItem& item);

  /// An item that is due, marked as being worked on; the caller must call `done`.
  std::optional<WorkItem> take(Time now);
  void done(const WorkItem& item);

  /// When the next item is due; none if nothing that could be taken is waiting.
  std::optional<Time> next_due() const;
  size_t waiting() const { return due_.size(); }
  size_t working() const { return working_.size(); }

 private:
  const BackOff back_off_;
  std::map<WorkItem, Time> due_;
  std::set<std::pair<Time, WorkItem>> by_time_;  // those of due_ that nobody works on
  std::set<WorkItem> working_;
  std::map<WorkItem, int> failures_;
};

}  // namespace longhaul::op::kube
