// An executor by hand.
#pragma once

#include <deque>

#include "base/executor.h"

namespace longhaul::test {

/// Runs what was posted when it is told to.
class QueueExecutor final : public base::Executor {
 public:
  void post(base::Task task) override { tasks_.push_back(std::move(task)); }
  size_t size() const { return tasks_.size(); }
  /// And all that is posted by that.
  void run() {
    while (!tasks_.empty()) {
      base::Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  std::deque<base::Task> tasks_;
};

}  // namespace longhaul::test
