// The thread that connections of a client live on.
#pragma once

#include <memory>
#include <string>

#include "base/executor.h"

namespace longhaul::client {

/// Runs an event loop of sockets, timers and tasks. Connections made on it must be gone, or are
/// broken off, when it ends. What uses them most is best run here too: the loop hands nothing to
/// itself through the kernel.
class IoThread final : public base::EventLoop {
 public:
  explicit IoThread(const std::string& name);  // of the thread; at most 15 characters count
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void post(base::Task task) override;
  base::TimerId after(std::chrono::microseconds delay, base::Task task) override;
  void dispatch(base::Task task) override;
  bool cancel(base::TimerId timer) override;
  /// Ends the thread behind what was posted before. What is posted later is never run.
  void stop();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace longhaul::client
