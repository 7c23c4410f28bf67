// An event loop on a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/executor.h"

namespace longhaul::base {

/// Runs its tasks and timers on one thread, which starts with the object. Due timers and tasks take
/// turns, so that neither can keep the other from running. `stop` (or the
/// destructor) ends the thread after the task that is running; tasks still queued are destroyed
/// without being run.
class ThreadLoop final : public EventLoop {
 public:
  explicit ThreadLoop(const std::string& name);  // the thread's name, at most 15 characters count
  ~ThreadLoop() override;
  ThreadLoop(const ThreadLoop&) = delete;
  ThreadLoop& operator=(const ThreadLoop&) = delete;

  void post(Task task) override;
  TimerId after(std::chrono::microseconds delay, Task task) override;
  bool cancel(TimerId timer) override;
  /// Not from a task of this loop.
  void stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  void run();
  Task next_task(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::map<std::pair<TimePoint, TimerId>, Task> timers_;
  std::map<TimerId, TimePoint> due_;
  TimerId next_timer_ = 1;
  bool timer_was_last_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

/// A fixed number of threads that take tasks in turn, for work that may block.
class WorkerPool final : public Executor {
 public:
  WorkerPool(const std::string& name, unsigned threads);
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void post(Task task) override;
  /// Ends the threads after the tasks that are running; queued ones are destroyed unrun.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace longhaul::base
