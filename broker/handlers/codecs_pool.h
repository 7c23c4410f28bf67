// Codecs with their buffers, lent to whoever appends.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "records/compression.h"

namespace longhaul::broker::handlers {

/// Thread-safe. Grows to as many codecs as are in use at once, which is at most one a thread.
class CodecsPool {
 public:
  /// Goes back to the pool when destroyed; the pool must outlive it.
  class Lease {
   public:
    explicit Lease(CodecsPool& pool) : pool_(pool), codecs_(pool.take()) {}
    ~Lease() { pool_.give(std::move(codecs_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    records::Codecs& operator*() { return *codecs_; }

   private:
    CodecsPool& pool_;
    std::unique_ptr<records::Codecs> codecs_;
  };

 private:
  std::unique_ptr<records::Codecs> take() {
    std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<records::Codecs>();
    auto codecs = std::move(idle_.back());
    idle_.pop_back();
    return codecs;
  }
  void give(std::unique_ptr<records::Codecs> codecs) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(codecs));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<records::Codecs>> idle_;
};

}  // namespace longhaul::broker::handlers
