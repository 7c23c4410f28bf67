#include "broker/metrics/request_metrics.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/assert.h"
#include "broker/metrics/family.h"
#include "protocol/api.h"

namespace longhaul::broker::metrics {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr double kMicrosPerSecond = 1e6;

/// Passes one answer on, and notes when and how.
class TimedSink final : public net::ReplySink {
 public:
  TimedSink(net::Reply reply, RequestStats::Api& api, const base::Clock& clock,
            base::Clock::Monotonic received_at)
      : reply_(std::move(reply)), api_(api), clock_(clock), received_at_(received_at) {}

  void deliver(uint64_t, net::Outcome outcome) override {
    auto took = clock_.monotonic() - received_at_;
    api_.took(static_cast<uint64_t>(std::max<int64_t>(0, took.count())));
    switch (outcome.kind) {
      case net::Outcome::Kind::kResponse:
        api_.response_bytes.fetch_add(outcome.response.size(), kRelaxed);
        return reply_.send(std::move(outcome.response));
      case net::Outcome::Kind::kNone:
        return reply_.none();
      case net::Outcome::Kind::kClose:
        api_.closed.fetch_add(1, kRelaxed);
        return reply_.close(std::move(outcome.why));
    }
  }

 private:
  net::Reply reply_;
  RequestStats::Api& api_;
  const base::Clock& clock_;
  base::Clock::Monotonic received_at_;
};

prometheus::ClientMetric histogram_of(const RequestStats::Totals& totals) {
  prometheus::ClientMetric metric;
  metric.histogram.sample_count = totals.count;
  metric.histogram.sample_sum = static_cast<double>(totals.total_us) / kMicrosPerSecond;
  uint64_t sum = 0;
  for (size_t i = 0; i < totals.times.size(); ++i) {
    sum += totals.times[i];
    double bound = i < RequestStats::kBoundsUs.size()
                       ? static_cast<double>(RequestStats::kBoundsUs[i]) / kMicrosPerSecond
                       : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({sum, bound});
  }
  return metric;
}

}  // namespace

void RequestStats::Api::took(uint64_t microseconds) {
  auto bucket = std::lower_bound(kBoundsUs.begin(), kBoundsUs.end(), microseconds);
  times[static_cast<size_t>(bucket - kBoundsUs.begin())].fetch_add(1, kRelaxed);
  total_us.fetch_add(microseconds, kRelaxed);
}

RequestStats::RequestStats(std::vector<const base::EventLoop*> loops) : loops_(std::move(loops)) {
  LH_ASSERT(!loops_.empty(), "requests come in on a loop");
  for (size_t i = 0; i < loops_.size(); ++i) {
    shards_.push_back(std::make_unique<Api[]>(protocol::apis().size()));
  }
}

RequestStats::Api& RequestStats::of(const protocol::ApiInfo& api, const base::EventLoop& loop) {
  auto shard = std::find(loops_.begin(), loops_.end(), &loop);
  LH_ASSERT(shard != loops_.end(), "a request came in on a loop that is not counted");
  auto index = static_cast<size_t>(&api - protocol::apis().data());
  return shards_[static_cast<size_t>(shard - loops_.begin())][index];
}

std::vector<RequestStats::Totals> RequestStats::totals() const {
  std::vector<Totals> all(protocol::apis().size());
  for (const auto& shard : shards_) {
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t bucket = 0; bucket < all[i].times.size(); ++bucket) {
        uint64_t times = shard[i].times[bucket].load(kRelaxed);
        all[i].times[bucket] += times;
        all[i].count += times;
      }
      all[i].total_us += shard[i].total_us.load(kRelaxed);
      all[i].request_bytes += shard[i].request_bytes.load(kRelaxed);
      all[i].response_bytes += shard[i].response_bytes.load(kRelaxed);
      all[i].closed += shard[i].closed.load(kRelaxed);
    }
  }
  return all;
}

void CountingHandler::handle(net::Request request, net::Reply reply) {
  RequestStats::Api& api = stats_.of(request.api(), request.loop());
  api.request_bytes.fetch_add(request.frame().size(), kRelaxed);
  net::Reply timed(
      std::make_shared<TimedSink>(std::move(reply), api, clock_, request.received_at()), 0);
  inner_.handle(std::move(request), std::move(timed));
}

std::vector<prometheus::MetricFamily> RequestMetrics::Collect() const {
  prometheus::MetricFamily seconds{
      "longhaul_request_seconds",
      "From the last byte of a request to its answer, waiting included.",
      prometheus::MetricType::Histogram,
      {}};
  std::vector<Sample> request_bytes, response_bytes, closed;
  std::vector<RequestStats::Totals> all = stats_.totals();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].count == 0) continue;
    std::vector<prometheus::ClientMetric::Label> label{
        {"api", std::string(protocol::apis()[i].name)}};
    seconds.metric.push_back(histogram_of(all[i]));
    seconds.metric.back().label = label;
    request_bytes.push_back({static_cast<double>(all[i].request_bytes), label});
    response_bytes.push_back({static_cast<double>(all[i].response_bytes), label});
    closed.push_back({static_cast<double>(all[i].closed), label});
  }
  return {
      std::move(seconds),
      counter("longhaul_request_bytes_total", "Bytes of requests.", std::move(request_bytes)),
      counter("longhaul_response_bytes_total", "Bytes of responses.", std::move(response_bytes)),
      counter("longhaul_requests_closed_total", "Requests that ended their connection.",
              std::move(closed)),
  };
}

}  // namespace longhaul::broker::metrics
