// All metrics as the text that Prometheus reads.
#pragma once

#include <prometheus/collectable.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace longhaul::broker::metrics {

constexpr const char* kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

/// A list of what can be collected. Thread-safe.
class Exposition {
 public:
  void add(std::unique_ptr<prometheus::Collectable> source);
  /// Forgets all sources; when it returns, none of them is being collected.
  void clear();
  /// Collects all sources, which may read files and take locks: not for a reactor.
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<prometheus::Collectable>> sources_;
};

}  // namespace longhaul::broker::metrics
