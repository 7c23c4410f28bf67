// longhaul-operator: watches KafkaClusters and KafkaTopics of one Kubernetes cluster.
#include <fmt/core.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "operator/app/process.h"

namespace {

using longhaul::op::app::ProcessOptions;

/// Returns the exit code, or -1 to go on.
int parse(int argc, char** argv, ProcessOptions& options) {
  CLI::App app{"Runs Longhaul clusters that KafkaCluster resources describe.", "longhaul-operator"};
  app.set_version_flag("--version", LONGHAUL_VERSION);
  app.add_option("--kubeconfig", options.kubeconfig,
                 "Kubeconfig file (default: the pod's service account, or $KUBECONFIG, or "
                 "~/.kube/config)");
  app.add_option("--context", options.context, "Context of the kubeconfig (default: its current)");
  app.add_option("--namespace", options.name_space, "Namespace to watch (default: all)");
  app.add_option("--image-repository", options.model.image_repository,
                 "Broker image without tag; the tag is spec.version")
      ->capture_default_str();
  std::string advertise = "dns";
  app.add_option("--advertise", advertise,
                 "What brokers give clients as their address: dns (name under the headless "
                 "Service) or pod-ip (where there is no cluster DNS)")
      ->check(CLI::IsMember({"dns", "pod-ip"}))
      ->capture_default_str();
  app.add_option("--metrics-address", options.metrics_address,
                 "ADDRESS:PORT for /metrics, /healthz and /readyz")
      ->capture_default_str();
  app.add_flag("--leader-elect,!--no-leader-elect", options.leader_elect,
               "Work only while holding a lease, so that several replicas can run (default: yes)");
  app.add_option("--lease-namespace", options.lease_name_space,
                 "Namespace of the lease (default: the operator's own)");
  app.add_option("--lease-name", options.lease_name, "Name of the lease")->capture_default_str();
  app.add_option("--workers", options.workers, "Objects that are worked on at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_flag("--debug", options.debug, "Log more");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (advertise == "pod-ip") options.model.advertise = longhaul::op::model::Advertise::kPodIp;
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  // An arena for each thread would cost more memory than everything that is kept in them.
  mallopt(M_ARENA_MAX, 2);
  // Before any thread is made, so that only the main one sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  ProcessOptions options;
  if (int code = parse(argc, argv, options); code >= 0) return code;
  longhaul::base::Result<void> result = longhaul::op::app::run_process(options, signals);
  if (result) return 0;
  fmt::print(stderr, "longhaul-operator: {}\n", result.error().message);
  return 1;
}
