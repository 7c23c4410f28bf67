// longhaul.metrics.listener: /livez, /readyz and /metrics.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/result.h"
#include "broker/config/listeners.h"
#include "broker/metrics/exposition.h"
#include "broker/metrics/http_server.h"
#include "broker/metrics/pulse.h"

namespace longhaul::broker::metrics {

/// - GET /livez: 200 as long as the loops that are watched take tasks, else 503.
/// - GET /readyz: 200 if the broker serves clients, else 503 and why not.
/// - GET /metrics: the exposition. Collected on a worker, once for all who wait for it.
class Endpoint {
 public:
  /// All of it outlives the endpoint, `reactor` also whatever is queued on `workers`.
  struct Context {
    net::Reactor& reactor;  // its own, so that it answers when others are held up
    base::Executor& workers;
    const base::Clock& clock;
    base::Logger log;
    /// Why the broker is not ready, in a few words; empty if it is. Called from any thread.
    std::function<std::string()> not_ready;
    std::chrono::seconds stuck_after{30};  // how long a loop may take no task
    HttpLimits limits = {};
  };

  explicit Endpoint(Context context);
  /// Stops answering; nothing that was added is used afterwards. Not on the reactor.
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// Loops that /livez asks. Before `start`.
  void watch(std::string name, base::Executor& loop);
  /// Begins to answer at an address (port 0: the kernel picks). Once.
  base::Result<void> start(const config::HostPort& address);
  uint16_t port() const { return server_->port(); }
  /// What /metrics shows.
  Exposition& exposition();

 private:
  class Scraper;
  void answer(const std::string& path, Answer answer);

  Context context_;
  Pulse pulse_;
  std::shared_ptr<Scraper> scraper_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace longhaul::broker::metrics
