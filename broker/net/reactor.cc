#include "broker/net/reactor.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/assert.h"

namespace longhaul::broker::net {
namespace {

using SteadyClock = std::chrono::steady_clock;

uint64_t micros(SteadyClock::duration duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

int must_open(int descriptor, const char* what) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
  return descriptor;
}

}  // namespace

Reactor::Reactor(const std::string& name)
    : epoll_(must_open(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(must_open(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // edge-triggered, so that its count need not be read
  event.data.ptr = nullptr;
  int added = epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  LH_ASSERT(added == 0, "epoll refuses its own eventfd");
  thread_ = std::thread([this, name] {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    run();
  });
}

Reactor::~Reactor() {
  stop();
  ::close(wake_);
  ::close(epoll_);
}

void Reactor::stop() {
  post({});
  if (thread_.joinable()) thread_.join();
  std::vector<base::Task> dropped;
  {
    std::lock_guard lock(mutex_);
    dropped.swap(tasks_);
  }
  dropped.clear();
  running_.clear();
  timers_ = {};
  retired_.clear();
}

void Reactor::post(base::Task task) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (task) {
      tasks_.push_back(std::move(task));
    } else {
      stopping_ = true;
    }
    wake = std::exchange(asleep_, false);
  }
  uint64_t one = 1;
  if (wake) {
    ssize_t written = ::write(wake_, &one, sizeof(one));
    LH_ASSERT(written == sizeof(one), "a reactor could not be woken");
  }
}

base::TimerId Reactor::after(std::chrono::microseconds delay, base::Task task) {
  return timers_.add(SteadyClock::now() + delay, std::move(task));
}

bool Reactor::cancel(base::TimerId timer) { return static_cast<bool>(timers_.cancel(timer)); }

void Reactor::watch(int descriptor, EventHandler& handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  int added = epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  LH_ASSERT(added == 0, "epoll refuses a socket");
}

ReactorStats Reactor::stats() const {
  return {busy_us_.load(std::memory_order_relaxed), longest_us_.load(std::memory_order_relaxed),
          held_up_.load(std::memory_order_relaxed), wake_ups_.load(std::memory_order_relaxed)};
}

/// Notes how long what has just ended took.
void Reactor::account() {
  SteadyClock::time_point now = SteadyClock::now();
  uint64_t took = micros(now - std::exchange(mark_, now));
  busy_us_.fetch_add(took, std::memory_order_relaxed);
  if (took > longest_us_.load(std::memory_order_relaxed)) {
    longest_us_.store(took, std::memory_order_relaxed);
  }
  if (took > ReactorStats::kHeldUpMs * 1000) held_up_.fetch_add(1, std::memory_order_relaxed);
}

/// How long to wait: not at all if there are tasks, -1 for ever, -2 to stop. Rounded up, so that
/// no timer makes the loop spin.
int Reactor::wait_ms() {
  std::lock_guard lock(mutex_);
  if (stopping_) return -2;
  if (!tasks_.empty()) return 0;
  asleep_ = true;
  std::optional<SteadyClock::time_point> next = timers_.next();
  if (!next) return -1;
  SteadyClock::duration left = *next - SteadyClock::now();
  if (left <= SteadyClock::duration::zero()) return 0;
  return static_cast<int>(std::min<uint64_t>(micros(left) / 1000 + 1, 60'000));
}

void Reactor::run_timers() {
  // What becomes due while timers run waits for the sockets and tasks of the next round.
  const SteadyClock::time_point due_by = mark_;
  while (base::Task task = timers_.take_due(due_by)) {
    task();
    task = {};
    account();
  }
}

void Reactor::run_tasks() {
  {
    std::lock_guard lock(mutex_);
    asleep_ = false;
    if (stopping_) return;
    running_.swap(tasks_);
  }
  for (base::Task& task : running_) {
    task();
    task = {};
    account();
  }
  running_.clear();
}

void Reactor::run() {
  std::array<epoll_event, 256> events;
  for (;;) {
    int timeout = wait_ms();
    if (timeout == -2) return;
    int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    LH_ASSERT(count >= 0 || errno == EINTR, "epoll_wait failed");
    mark_ = SteadyClock::now();
    wake_ups_.fetch_add(1, std::memory_order_relaxed);
    for (int i = 0; i < count; ++i) {
      if (!events[i].data.ptr) continue;
      static_cast<EventHandler*>(events[i].data.ptr)->ready(events[i].events);
      account();
    }
    run_timers();
    run_tasks();
    std::exchange(retired_, {}).clear();
  }
}

}  // namespace longhaul::broker::net
