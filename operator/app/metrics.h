// What the operator counts, in Prometheus' text format.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "operator/kube/resource.h"
#include "operator/kube/transport.h"

namespace longhaul::op::app {

/// Safe from any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void count_reconcile(const kube::ResourceType& type, bool good, std::chrono::microseconds took);
  void set_queue_depth(size_t depth);
  void set_leader(bool leader);
  void count_request(kube::Method method, int status);  // 0: there was no answer

  std::string to_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Counts what goes through another transport.
class MeteredTransport final : public kube::Transport {
 public:
  MeteredTransport(kube::Transport& inner, Metrics& metrics) : inner_(inner), metrics_(metrics) {}
  base::Result<kube::Response> send(const kube::Request& request) override;
  base::Result<kube::Response> stream(const kube::Request& request, const LineHandler& on_line,
                                      std::stop_token stop) override;

 private:
  kube::Transport& inner_;
  Metrics& metrics_;
};

}  // namespace longhaul::op::app
