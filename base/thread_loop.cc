#include "base/thread_loop.h"

#include <pthread.h>

#include <utility>

namespace longhaul::base {
namespace {

void name_this_thread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

ThreadLoop::ThreadLoop(const std::string& name)
    : thread_([this, name] {
        name_this_thread(name);
        run();
      }) {}

ThreadLoop::~ThreadLoop() { stop(); }

void ThreadLoop::stop() {
  std::deque<Task> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ThreadLoop::post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

TimerId ThreadLoop::after(std::chrono::microseconds delay, Task task) {
  std::lock_guard lock(mutex_);
  TimerId id = next_timer_++;
  TimePoint when = std::chrono::steady_clock::now() + delay;
  timers_.emplace(std::pair(when, id), std::move(task));
  due_.emplace(id, when);
  wake_.notify_one();
  return id;
}

bool ThreadLoop::cancel(TimerId timer) {
  Task dropped;  // destroyed outside the lock: its captures may run code
  std::lock_guard lock(mutex_);
  auto found = due_.find(timer);
  if (found == due_.end()) return false;
  auto entry = timers_.find({found->second, timer});
  dropped = std::move(entry->second);
  timers_.erase(entry);
  due_.erase(found);
  return true;
}

Task ThreadLoop::next_task(std::unique_lock<std::mutex>& lock) {
  while (!stopping_) {
    bool due = !timers_.empty() && timers_.begin()->first.first <= std::chrono::steady_clock::now();
    if (due && (tasks_.empty() || !timer_was_last_)) {
      timer_was_last_ = true;
      auto first = timers_.begin();
      Task task = std::move(first->second);
      due_.erase(first->first.second);
      timers_.erase(first);
      return task;
    }
    if (!tasks_.empty()) {
      timer_was_last_ = false;
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      return task;
    }
    if (timers_.empty()) {
      wake_.wait(lock);
    } else {
      TimePoint until = timers_.begin()->first.first;
      wake_.wait_until(lock, until);
    }
  }
  return {};
}

void ThreadLoop::run() {
  std::unique_lock lock(mutex_);
  while (Task task = next_task(lock)) {
    lock.unlock();
    task();
    task = {};
    lock.lock();
  }
}

WorkerPool::WorkerPool(const std::string& name, unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name] {
      name_this_thread(name);
      run();
    });
  }
}

WorkerPool::~WorkerPool() { stop(); }

void WorkerPool::stop() {
  std::deque<Task> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void WorkerPool::post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = {};
    lock.lock();
  }
}

}  // namespace longhaul::base
