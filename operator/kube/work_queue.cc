#include "operator/kube/work_queue.h"

#include <algorithm>

namespace longhaul::op::kube {

void WorkQueue::add(const WorkItem& item, Time due) {
  auto [at, added] = due_.try_emplace(item, due);
  if (!added) {
    if (at->second <= due) return;
    by_time_.erase({at->second, item});
    at->second = due;
  }
  if (!working_.contains(item)) by_time_.emplace(due, item);
}

void WorkQueue::add_after_failure(const WorkItem& item, Time now) {
  int failures = failures_[item]++;
  Time delay = std::min<Time>(back_off_.first * (1LL << std::min(failures, 20)), back_off_.longest);
  add(item, now + delay);
}

void WorkQueue::forget(const WorkItem& item) { failures_.erase(item); }

std::optional<WorkItem> WorkQueue::take(Time now) {
  if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
  WorkItem item = by_time_.begin()->second;
  by_time_.erase(by_time_.begin());
  due_.erase(item);
  working_.insert(item);
  return item;
}

void WorkQueue::done(const WorkItem& item) {
  working_.erase(item);
  if (auto waiting = due_.find(item); waiting != due_.end())
    by_time_.emplace(waiting->second, item);
}

std::optional<WorkQueue::Time> WorkQueue::next_due() const {
  if (by_time_.empty()) return std::nullopt;
  return by_time_.begin()->first;
}

}  // namespace longhaul::op::kube
