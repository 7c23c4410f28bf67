// Requests by API: how many, how long, how large.
#pragma once

#include <prometheus/collectable.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "broker/net/request.h"

namespace longhaul::broker::metrics {

/// Counters of all APIs, written by each reactor in memory of its own and added up when they are
/// collected.
class RequestStats {
 public:
  /// Upper bounds of the histogram of times, in microseconds; one more bucket is above them.
  static constexpr std::array<uint64_t, 11> kBoundsUs{
      500, 1'000, 2'500, 5'000, 10'000, 25'000, 50'000, 100'000, 250'000, 500'000, 1'000'000};
  struct Api {
    std::array<std::atomic<uint64_t>, kBoundsUs.size() + 1> times{};  // per bucket
    std::atomic<uint64_t> total_us{0};
    std::atomic<uint64_t> request_bytes{0};
    std::atomic<uint64_t> response_bytes{0};
    std::atomic<uint64_t> closed{0};

    void took(uint64_t microseconds);
  };
  struct Totals {
    std::array<uint64_t, kBoundsUs.size() + 1> times{};
    uint64_t count = 0, total_us = 0, request_bytes = 0, response_bytes = 0, closed = 0;
  };

  explicit RequestStats(std::vector<const base::EventLoop*> loops);
  /// Where requests of `api` that came in on `loop` are counted.
  Api& of(const protocol::ApiInfo& api, const base::EventLoop& loop);
  /// In the order of protocol::apis().
  std::vector<Totals> totals() const;

 private:
  std::vector<const base::EventLoop*> loops_;
  std::vector<std::unique_ptr<Api[]>> shards_;  // one for each loop
};

/// Counts what passes through it on the way to another handler. Outlives all replies.
class CountingHandler final : public net::RequestHandler {
 public:
  CountingHandler(net::RequestHandler& inner, RequestStats& stats, const base::Clock& clock)
      : inner_(inner), stats_(stats), clock_(clock) {}
  void handle(net::Request request, net::Reply reply) override;

 private:
  net::RequestHandler& inner_;
  RequestStats& stats_;
  const base::Clock& clock_;
};

/// Only of APIs that were asked for.
class RequestMetrics final : public prometheus::Collectable {
 public:
  explicit RequestMetrics(const RequestStats& stats) : stats_(stats) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const RequestStats& stats_;
};

}  // namespace longhaul::broker::metrics
