#include "broker/partition/waiters.h"

#include <algorithm>
#include <set>

namespace longhaul::broker::partition {

void Watchers::add(std::weak_ptr<Watcher> watcher) {
  std::lock_guard lock(mutex_);
  if (watchers_.size() >= sweep_at_) {
    // A fetch that waits at several partitions comes again each time that one of them has news.
    // They keep their order: one by addresses would differ from run to run.
    std::set<std::weak_ptr<Watcher>, std::owner_less<>> seen;
    std::erase_if(watchers_,
                  [&](const auto& each) { return each.expired() || !seen.insert(each).second; });
    sweep_at_ = std::max<size_t>(16, watchers_.size() * 2);
  }
  watchers_.push_back(std::move(watcher));
}

void Watchers::notify_all() {
  std::vector<std::weak_ptr<Watcher>> told;
  {
    std::lock_guard lock(mutex_);
    if (watchers_.empty()) return;
    told.swap(watchers_);
  }
  for (const auto& each : told) {
    if (auto watcher = each.lock()) watcher->notify();
  }
}

size_t Watchers::size() const {
  std::lock_guard lock(mutex_);
  return watchers_.size();
}

namespace {

constexpr auto kLaterFirst = [](const auto& a, const auto& b) { return a.offset > b.offset; };

}  // namespace

void CommitWaiters::add(int64_t offset, CommitWaiter waiter) {
  if (heap_.size() >= sweep_at_) {
    std::erase_if(heap_, [](const Entry& each) { return each.waiter.is_gone(); });
    std::make_heap(heap_.begin(), heap_.end(), kLaterFirst);
    sweep_at_ = std::max<size_t>(64, heap_.size() * 2);
  }
  heap_.push_back({offset, std::move(waiter)});
  std::push_heap(heap_.begin(), heap_.end(), kLaterFirst);
}

std::vector<CommitCallback> CommitWaiters::take_committed(int64_t high_watermark) {
  std::vector<CommitCallback> taken;
  while (!heap_.empty() && heap_.front().offset <= high_watermark) {
    std::pop_heap(heap_.begin(), heap_.end(), kLaterFirst);
    taken.push_back(std::move(heap_.back().waiter.done));
    heap_.pop_back();
  }
  return taken;
}

std::vector<CommitCallback> CommitWaiters::take_all() {
  std::vector<CommitCallback> taken;
  for (Entry& entry : heap_) taken.push_back(std::move(entry.waiter.done));
  heap_.clear();
  return taken;
}

}  // namespace longhaul::broker::partition
