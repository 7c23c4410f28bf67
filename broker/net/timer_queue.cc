#include "broker/net/timer_queue.h"

#include <utility>

namespace longhaul::broker::net {

bool TimerQueue::before(uint32_t a, uint32_t b) const {
  const Timer &x = slots_[a], &y = slots_[b];
  return x.due != y.due ? x.due < y.due : x.order < y.order;
}

void TimerQueue::put(uint32_t place, uint32_t slot) {
  heap_[place] = slot;
  slots_[slot].place = place;
}

void TimerQueue::sift_up(uint32_t place) {
  uint32_t slot = heap_[place];
  while (place > 0) {
    uint32_t parent = (place - 1) / 2;
    if (!before(slot, heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, slot);
}

void TimerQueue::sift_down(uint32_t place) {
  uint32_t slot = heap_[place];
  for (;;) {
    uint32_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], slot)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, slot);
}

base::TimerId TimerQueue::add(TimePoint due, base::Task task) {
  uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Timer& timer = slots_[slot];
  timer.due = due;
  timer.order = ++added_;
  timer.task = std::move(task);
  heap_.push_back(slot);
  sift_up(static_cast<uint32_t>(heap_.size() - 1));
  return (static_cast<uint64_t>(timer.generation) << 32) | slot;
}

base::Task TimerQueue::remove(uint32_t slot) {
  uint32_t place = slots_[slot].place;
  uint32_t last = heap_.back();
  heap_.pop_back();
  if (last != slot) {
    put(place, last);
    sift_up(place);
    sift_down(slots_[last].place);
  }
  base::Task task = std::move(slots_[slot].task);
  if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
  free_.push_back(slot);
  return task;
}

base::Task TimerQueue::cancel(base::TimerId timer) {
  auto slot = static_cast<uint32_t>(timer);
  auto generation = static_cast<uint32_t>(timer >> 32);
  if (slot >= slots_.size() || slots_[slot].generation != generation) return {};
  return remove(slot);
}

std::optional<TimerQueue::TimePoint> TimerQueue::next() const {
  if (heap_.empty()) return std::nullopt;
  return slots_[heap_.front()].due;
}

base::Task TimerQueue::take_due(TimePoint now) {
  if (heap_.empty() || slots_[heap_.front()].due > now) return {};
  return remove(heap_.front());
}

}  // namespace longhaul::broker::net
