// A shared pointer that one side replaces while others take copies.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace longhaul::broker::log {

/// The lock inside is held for the copy of a pointer only (as in std::atomic<std::shared_ptr>,
/// whose GCC 12 implementation ThreadSanitizer cannot follow).
template <class T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<T> value) : value_(std::move(value)) {}

  std::shared_ptr<T> load() const {
    std::lock_guard lock(mutex_);
    return value_;
  }
  void store(std::shared_ptr<T> value) {
    std::lock_guard lock(mutex_);
    value_.swap(value);  // the old one dies after the lock is gone
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<T> value_;
};

}  // namespace longhaul::broker::log
