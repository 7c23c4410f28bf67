#include "operator/app/process.h"

#include <fmt/core.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>

#include "operator/app/controller.h"
#include "operator/app/http_server.h"
#include "operator/kube/kubeconfig.h"
#include "operator/kube/lease.h"
#include "operator/reconcile/client_kafka.h"

namespace longhaul::op::app {
namespace {

using base::Result;

constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string variable(const char* name) {
  const char* value = getenv(name);
  return value ? value : "";
}

Result<kube::Credentials> find_credentials(const ProcessOptions& options) {
  if (!options.kubeconfig.empty())
    return kube::load_kubeconfig(options.kubeconfig, options.context);
  if (std::string host = variable("KUBERNETES_SERVICE_HOST"); !host.empty())
    return kube::in_cluster_credentials(host, variable("KUBERNETES_SERVICE_PORT"), kServiceAccount);
  std::string path = variable("KUBECONFIG");
  if (path.empty()) path = variable("HOME") + "/.kube/config";
  return kube::load_kubeconfig(path, options.context);
}

/// Unique among everything that may want the lease.
std::string identity(base::Random& random) {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  return fmt::format("{}_{:016x}", host, random.next());
}

class Process {
 public:
  Process(const ProcessOptions& options, const kube::Credentials& credentials,
          std::unique_ptr<kube::Transport> transport, base::Logger logger)
      : options_(options),
        logger_(logger),
        inner_(std::move(transport)),
        transport_(*inner_, metrics_),
        kafka_(reconcile::make_client_kafka()),
        controller_(transport_, *kafka_, clock_, random_, metrics_,
                    {options.name_space, options.workers, options.model}, logger) {
    lease_.name_space =
        options.lease_name_space.empty() ? credentials.default_namespace : options.lease_name_space;
    lease_.name = options.lease_name;
    lease_.identity = identity(random_);
  }

  Result<void> run(const sigset_t& signals) {
    LH_ASSIGN(http_, HttpServer::start(options_.metrics_address,
                                       [this](const std::string& path) { return page(path); }));
    logger_.info("metrics and health on port {}", http_->port());
    Result<void> result = options_.leader_elect ? run_elected(signals) : run_alone(signals);
    logger_.info("stopping");
    controller_.stop();
    return result;
  }

 private:
  Page page(const std::string& path) {
    if (path == "/metrics") return {200, "text/plain; version=0.0.4", metrics_.to_text()};
    if (path == "/healthz") return {200, "text/plain", "ok\n"};
    if (path != "/readyz") return {404, "text/plain", "only /metrics, /healthz and /readyz\n"};
    if (!working_) return {200, "text/plain", "waiting for the lease\n"};
    if (!controller_.ready()) return {503, "text/plain", "caches are not filled yet\n"};
    return {200, "text/plain", "ok\n"};
  }

  /// True when a signal came within `wait`.
  static bool signalled(const sigset_t& signals, std::chrono::seconds wait) {
    timespec limit{wait.count(), 0};
    return sigtimedwait(&signals, nullptr, &limit) > 0;
  }

  void begin() {
    if (working_.exchange(true)) return;
    metrics_.set_leader(true);
    controller_.start();
  }

  Result<void> run_alone(const sigset_t& signals) {
    begin();
    while (!signalled(signals, std::chrono::seconds(3600))) {
    }
    return {};
  }

  Result<void> run_elected(const sigset_t& signals) {
    kube::LeaderElector elector(transport_, clock_, lease_);
    do {
      Result<void> tick = elector.tick();
      if (!tick && tick.error().code != base::Errc::kConflict)
        logger_.warn("lease: {}", tick.error().message);
      if (elector.is_leader()) {
        if (!working_) logger_.info("this process leads ({})", lease_.identity);
        begin();
      } else if (working_) {
        return base::fail(base::Errc::kUnavailable,
                          "the lease was lost; another replica may lead now");
      }
    } while (!signalled(signals, lease_.retry));
    controller_.stop();  // before anybody else may begin
    if (Result<void> released = elector.release(); !released)
      logger_.warn("lease: {}", released.error().message);
    return {};
  }

  const ProcessOptions& options_;
  const base::Logger logger_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  Metrics metrics_;
  std::unique_ptr<kube::Transport> inner_;
  MeteredTransport transport_;
  std::unique_ptr<reconcile::Kafka> kafka_;
  Controller controller_;
  kube::LeaseOptions lease_;
  std::atomic<bool> working_{false};
  std::unique_ptr<HttpServer> http_;
};

}  // namespace

Result<void> run_process(const ProcessOptions& options, const sigset_t& signals) {
  std::unique_ptr<base::LogSink> sink =
      base::make_stderr_sink(options.debug ? base::LogLevel::kDebug : base::LogLevel::kInfo);
  LH_ASSIGN(kube::Credentials credentials, find_credentials(options));
  LH_ASSIGN(std::unique_ptr<kube::Transport> transport, kube::make_http_transport(credentials));
  base::Logger logger(*sink, "operator");
  logger.info("Kubernetes API at {}", credentials.server);
  Process process(options, credentials, std::move(transport), logger);
  return process.run(signals);
}

}  // namespace longhaul::op::app
