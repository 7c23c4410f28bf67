// A thread that waits for sockets, timers and tasks, and runs what they bring.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "broker/net/timer_queue.h"

namespace longhaul::broker::net {

/// Who is told of a descriptor's readiness, on the reactor's thread.
class EventHandler {
 public:
  virtual ~EventHandler() = default;
  /// epoll(7)'s event bits. They come once for each change (EPOLLET): go on until EAGAIN.
  virtual void ready(uint32_t events) = 0;
};

/// How much of a reactor's time was taken, in microseconds, since it started. What runs long holds
/// up everything else on the reactor; it belongs on a worker.
struct ReactorStats {
  uint64_t busy_us = 0;     // all time not spent waiting
  uint64_t longest_us = 0;  // the longest single event, timer or task
  uint64_t held_up = 0;     // how many of them took more than `kHeldUpMs`
  uint64_t wake_ups = 0;
  static constexpr int kHeldUpMs = 10;
};

/// An event loop over epoll. Plain epoll and not Asio's `io_context`: a descriptor is registered
/// once, edge-triggered, so that a small request costs one wait, one receive and one send, where
/// Asio 1.74 rearms or tries to read in vain each time. Timers are kept here in a heap.
class Reactor final : public base::EventLoop {
 public:
  /// The thread starts with the object. `name`: of the thread, at most 15 characters. Throws
  /// std::system_error if the kernel gives no descriptors.
  explicit Reactor(const std::string& name);
  ~Reactor() override;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  void post(base::Task task) override;
  base::TimerId after(std::chrono::microseconds delay, base::Task task) override;
  bool cancel(base::TimerId timer) override;

  /// True on this reactor's thread.
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }
  /// Tells `handler` of whatever happens to `descriptor` until that is closed. On this thread only.
  /// The handler must live until the end of the round in which it closes: see `retire`.
  void watch(int descriptor, EventHandler& handler);
  /// Keeps `object` alive until no event of this round can reach it any more. On this thread only.
  void retire(std::shared_ptr<void> object) { retired_.push_back(std::move(object)); }

  /// The time as of the event, timer or task that runs. On this thread only.
  std::chrono::steady_clock::time_point now() const { return mark_; }

  /// From any thread.
  ReactorStats stats() const;
  /// Ends the thread after what it is at; queued tasks and timers are destroyed unrun, on the
  /// caller's thread. Not from a task of this reactor.
  void stop();

 private:
  void run();
  int wait_ms();
  void run_timers();
  void run_tasks();
  void account();

  int epoll_ = -1;
  int wake_ = -1;  // eventfd

  mutable std::mutex mutex_;  // of tasks_, asleep_ and stopping_
  std::vector<base::Task> tasks_;
  bool asleep_ = false;
  bool stopping_ = false;

  // Of this reactor's thread.
  std::vector<base::Task> running_;
  TimerQueue timers_;
  std::vector<std::shared_ptr<void>> retired_;
  std::chrono::steady_clock::time_point mark_;

  std::atomic<uint64_t> busy_us_{0}, longest_us_{0}, held_up_{0}, wake_ups_{0};
  std::thread thread_;  // last: it uses everything above
};

}  // namespace longhaul::broker::net
