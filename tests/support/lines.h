// A log that a test reads.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

namespace longhaul::tests {

/// Keeps the lines of this level and above. Thread-safe.
class Lines final : public base::LogSink {
 public:
  explicit Lines(base::LogLevel least = base::LogLevel::kInfo) : least_(least) {}

  void write(base::LogLevel level, std::string_view, std::string_view text) override {
    std::lock_guard lock(mutex_);
    if (level >= least_) lines_.emplace_back(text);
  }
  /// Those since the last call.
  std::vector<std::string> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  const base::LogLevel least_;
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace longhaul::tests
