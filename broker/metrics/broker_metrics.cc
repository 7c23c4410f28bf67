#include "broker/metrics/broker_metrics.h"

#include <utility>

#include "broker/metrics/family.h"

namespace longhaul::broker::metrics {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

constexpr double kMicrosPerSecond = 1e6;

double number(uint64_t value) { return static_cast<double>(value); }

}  // namespace

NodeMetrics::NodeMetrics(int32_t node_id, std::string version, std::function<bool()> is_ready)
    : node_id_(node_id), version_(std::move(version)), is_ready_(std::move(is_ready)) {}

Families NodeMetrics::Collect() const {
  return {
      gauge("longhaul_broker_info", "1, with the broker's node ID and version.",
            {{1, {{"node_id", std::to_string(node_id_)}, {"version", version_}}}}),
      gauge("longhaul_broker_ready", "1 while the broker serves clients, as /readyz says.",
            {{is_ready_() ? 1.0 : 0.0}}),
  };
}

ReactorMetrics::ReactorMetrics(std::vector<const net::Reactor*> reactors,
                               const net::FramePool& frames)
    : reactors_(std::move(reactors)), frames_(frames) {}

Families ReactorMetrics::Collect() const {
  std::vector<Sample> busy, longest, held_up, wake_ups;
  for (size_t i = 0; i < reactors_.size(); ++i) {
    net::ReactorStats stats = reactors_[i]->stats();
    std::vector<prometheus::ClientMetric::Label> label{{"reactor", std::to_string(i)}};
    busy.push_back({number(stats.busy_us) / kMicrosPerSecond, label});
    longest.push_back({number(stats.longest_us) / kMicrosPerSecond, label});
    held_up.push_back({number(stats.held_up), label});
    wake_ups.push_back({number(stats.wake_ups), label});
  }
  return {
      counter("longhaul_reactor_busy_seconds_total", "Time a reactor did not wait for work.",
              std::move(busy)),
      gauge("longhaul_reactor_longest_hold_up_seconds",
            "The longest that one event, timer or task has held up a reactor since the start.",
            std::move(longest)),
      counter("longhaul_reactor_hold_ups_total",
              "Events, timers and tasks that held up a reactor for more than " +
                  std::to_string(net::ReactorStats::kHeldUpMs) + " ms.",
              std::move(held_up)),
      counter("longhaul_reactor_wake_ups_total", "How often a reactor stopped waiting.",
              std::move(wake_ups)),
      gauge("longhaul_request_memory_used_bytes",
            "Memory of requests that have been read or are being read.",
            {{number(frames_.used())}}),
      gauge("longhaul_request_memory_limit_bytes", "Where the broker stops reading more requests.",
            {{number(frames_.limit())}}),
      gauge("longhaul_request_memory_cached_bytes", "Buffers kept for the next requests.",
            {{number(frames_.cached())}}),
  };
}

Families ConnectionMetrics::Collect() const {
  net::ServerStats stats = server_.stats();
  return {
      gauge("longhaul_connections", "Clients' connections that are open.",
            {{number(stats.connections)}}),
      counter("longhaul_connections_accepted_total", "Connections that clients have opened.",
              {{number(stats.accepted)}}),
      counter("longhaul_connections_refused_total",
              "Connections closed at once for max.connections.per.ip.", {{number(stats.refused)}}),
  };
}

Families LogMetrics::Collect() const {
  auto logs = logs_.logs();
  uint64_t bytes = 0;
  for (const auto& log : logs) bytes += log->size_bytes();
  uint64_t offline = 0;
  std::vector<Sample> total, usable;
  for (const log::LogDirStatus& directory : logs_.directories()) {
    if (!directory.failure.empty()) {
      ++offline;
      continue;
    }
    std::vector<prometheus::ClientMetric::Label> label{{"directory", directory.path}};
    total.push_back({number(directory.space.total_bytes), label});
    usable.push_back({number(directory.space.usable_bytes), label});
  }
  return {
      gauge("longhaul_log_partitions", "Partitions with a log in a directory that is online.",
            {{number(logs.size())}}),
      gauge("longhaul_log_size_bytes", "Size of all these logs, without their indexes.",
            {{number(bytes)}}),
      gauge("longhaul_log_directories_offline", "Directories of log.dirs that have failed.",
            {{number(offline)}}),
      gauge("longhaul_log_directory_total_bytes", "Size of the volume of a log directory.",
            std::move(total)),
      gauge("longhaul_log_directory_usable_bytes", "What is free on it.", std::move(usable)),
  };
}

Families CleanerMetrics::Collect() const {
  log::CleanerStats stats = cleaner_.stats();
  uint64_t uncleanable = 0;
  for (const auto& log : logs_.logs()) uncleanable += log->is_uncleanable() ? 1 : 0;
  return {
      counter("longhaul_log_compactions_total", "Compactions that were completed.",
              {{number(stats.compactions)}}),
      counter("longhaul_log_compaction_read_bytes_total", "What compaction has read.",
              {{number(stats.bytes_read)}}),
      counter("longhaul_log_compaction_written_bytes_total", "What compaction has written.",
              {{number(stats.bytes_written)}}),
      gauge("longhaul_log_uncleanable_partitions",
            "Partitions that are not compacted any more because a batch cannot be read or has too "
            "many keys.",
            {{number(uncleanable)}}),
  };
}

Families ScrubMetrics::Collect() const {
  log::ScrubStats stats = scrubber_.stats();
  return {
      gauge("longhaul_log_damaged_batches",
            "Stored batches that could not be read or had a wrong CRC when last looked at.",
            {{number(stats.damaged_batches)}}),
      counter("longhaul_log_scrubbed_bytes_total", "What was read to find such batches.",
              {{number(stats.bytes_read)}}),
      counter("longhaul_log_scrub_passes_total", "How often all that is stored was read.",
              {{number(stats.passes)}}),
  };
}

}  // namespace longhaul::broker::metrics
