#include "operator/app/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace longhaul::op::app {

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& reconciles =
      prometheus::BuildCounter()
          .Name("longhaul_operator_reconciles_total")
          .Help("Passes over an object's steps, by kind and result.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("longhaul_operator_reconcile_seconds")
          .Help("How long a pass took.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("longhaul_operator_api_requests_total")
          .Help("Requests to the Kubernetes API, by method and HTTP status (0: no answer).")
          .Register(registry);
  prometheus::Gauge& queue = prometheus::BuildGauge()
                                 .Name("longhaul_operator_queue_depth")
                                 .Help("Objects that wait to be looked at, now or later.")
                                 .Register(registry)
                                 .Add({});
  prometheus::Gauge& leader = prometheus::BuildGauge()
                                  .Name("longhaul_operator_leader")
                                  .Help("1 while this process holds the lease.")
                                  .Register(registry)
                                  .Add({});
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::count_reconcile(const kube::ResourceType& type, bool good,
                              std::chrono::microseconds took) {
  std::string kind(type.kind);
  impl_->reconciles.Add({{"kind", kind}, {"result", good ? "ok" : "error"}}).Increment();
  static const prometheus::Histogram::BucketBoundaries kBuckets{0.001, 0.003, 0.01, 0.03, 0.1,
                                                                0.3,   1,     3,    10};
  impl_->seconds.Add({{"kind", kind}}, kBuckets)
      .Observe(std::chrono::duration<double>(took).count());
}

void Metrics::set_queue_depth(size_t depth) { impl_->queue.Set(static_cast<double>(depth)); }
void Metrics::set_leader(bool leader) { impl_->leader.Set(leader ? 1 : 0); }

void Metrics::count_request(kube::Method method, int status) {
  impl_->requests
      .Add({{"method", std::string(kube::to_string(method))}, {"status", std::to_string(status)}})
      .Increment();
}

std::string Metrics::to_text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

base::Result<kube::Response> MeteredTransport::send(const kube::Request& request) {
  auto response = inner_.send(request);
  metrics_.count_request(request.method, response ? response->status : 0);
  return response;
}

base::Result<kube::Response> MeteredTransport::stream(const kube::Request& request,
                                                      const LineHandler& on_line,
                                                      std::stop_token stop) {
  auto response = inner_.stream(request, on_line, stop);
  metrics_.count_request(request.method, response ? response->status : 0);
  return response;
}

}  // namespace longhaul::op::app
