#include "tests/support/simulation.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace longhaul::sim {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

Time Simulation::some_delay(Time typical) {
  uint64_t kind = random_.below(100);
  int64_t most = typical.count() * (kind < 75 ? 1 : kind < 98 ? 10 : 100);
  return Time(random_.below(static_cast<uint64_t>(most) + 1));
}

Simulation::EventId Simulation::add(Time when, uint64_t order, const void* owner, base::Task task) {
  EventId id = ++last_id_;
  Key key{when, order, id};
  queue_.emplace(key, Event{owner, std::move(task)});
  keys_.emplace(id, key);
  return id;
}

Simulation::EventId Simulation::after(Time delay, const void* owner, base::Task task) {
  return add(now_ + std::max(delay, Time(0)), random_.next() | 1, owner, std::move(task));
}

Simulation::EventId Simulation::next(const void* owner, base::Task task) {
  return add(now_, 0, owner, std::move(task));
}

bool Simulation::cancel(EventId id) {
  auto key = keys_.find(id);
  if (key == keys_.end()) return false;
  auto dropped = queue_.extract(key->second);  // dies last: its captures may run code
  keys_.erase(key);
  return true;
}

void Simulation::cancel_all(const void* owner) {
  held_.erase(owner);
  std::vector<Event> dropped;
  for (auto it = queue_.begin(); it != queue_.end();) {
    if (it->second.owner != owner) {
      ++it;
      continue;
    }
    keys_.erase(it->first.id);
    dropped.push_back(std::move(it->second));
    it = queue_.erase(it);
  }
}

/// True if the next event's owner is held: it comes later then, as the same event.
bool Simulation::put_off() {
  if (held_.empty()) return false;
  auto held = held_.find(queue_.begin()->second.owner);
  if (held == held_.end() || held->second <= queue_.begin()->first.due) return false;
  auto first = queue_.extract(queue_.begin());
  first.key().due = held->second;
  keys_[first.key().id] = first.key();
  queue_.insert(std::move(first));
  return true;
}

bool Simulation::step(Time until) {
  if (queue_.empty() || queue_.begin()->first.due > until) return false;
  if (put_off()) return true;
  auto first = queue_.extract(queue_.begin());
  keys_.erase(first.key().id);
  now_ = first.key().due;
  first.mapped().task();
  return true;
}

void Simulation::run_until(Time until) {
  while (step(until)) {
  }
  now_ = std::max(now_, until);
}

int64_t Clock::wall_ms() const {
  return (offset_ + duration_cast<milliseconds>(simulation_.now())).count();
}

// Not from 0, which is no time to compare with for who reckons back from now.
Clock::Monotonic Clock::monotonic() const { return simulation_.now() + std::chrono::seconds(1); }

}  // namespace longhaul::sim
