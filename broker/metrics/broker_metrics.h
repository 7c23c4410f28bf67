// What there is to say about a broker's rooms; each is collected when Prometheus asks.
#pragma once

#include <prometheus/collectable.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "broker/log/log_cleaner.h"
#include "broker/log/log_manager.h"
#include "broker/log/log_scrubber.h"
#include "broker/net/frame_pool.h"
#include "broker/net/reactor.h"
#include "broker/net/server.h"

namespace longhaul::broker::metrics {

/// Which broker this is, and whether it is ready.
class NodeMetrics final : public prometheus::Collectable {
 public:
  NodeMetrics(int32_t node_id, std::string version, std::function<bool()> is_ready);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  int32_t node_id_;
  std::string version_;
  std::function<bool()> is_ready_;
};

/// How busy the reactors are, and the memory for requests.
class ReactorMetrics final : public prometheus::Collectable {
 public:
  ReactorMetrics(std::vector<const net::Reactor*> reactors, const net::FramePool& frames);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::vector<const net::Reactor*> reactors_;
  const net::FramePool& frames_;
};

/// Clients' connections.
class ConnectionMetrics final : public prometheus::Collectable {
 public:
  explicit ConnectionMetrics(const net::Server& server) : server_(server) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const net::Server& server_;
};

/// Partitions, their bytes, and the directories they lie in.
class LogMetrics final : public prometheus::Collectable {
 public:
  explicit LogMetrics(const log::LogManager& logs) : logs_(logs) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const log::LogManager& logs_;
};

/// Compaction.
class CleanerMetrics final : public prometheus::Collectable {
 public:
  CleanerMetrics(const log::LogManager& logs, const log::LogCleaner& cleaner)
      : logs_(logs), cleaner_(cleaner) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const log::LogManager& logs_;
  const log::LogCleaner& cleaner_;
};

/// The search for rot.
class ScrubMetrics final : public prometheus::Collectable {
 public:
  explicit ScrubMetrics(const log::LogScrubber& scrubber) : scrubber_(scrubber) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const log::LogScrubber& scrubber_;
};

}  // namespace longhaul::broker::metrics
