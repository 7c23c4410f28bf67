#include "broker/app/quorum_network.h"

#include <algorithm>
#include <chrono>

namespace longhaul::broker::app {
namespace {

/// A timeout of nothing at all would be a loop without rest.
std::chrono::milliseconds timeout(const config::BrokerConfig& config, const char* option) {
  return std::chrono::milliseconds(std::max(config.integer(option), 1));
}

raft::Timeouts raft_timeouts(const config::BrokerConfig& config) {
  raft::Timeouts timeouts;
  timeouts.election = timeout(config, "controller.quorum.election.timeout.ms");
  timeouts.fetch = timeout(config, "controller.quorum.fetch.timeout.ms");
  timeouts.backoff = timeout(config, "controller.quorum.election.backoff.max.ms");
  timeouts.request = timeout(config, "controller.quorum.request.timeout.ms");
  timeouts.retry = timeout(config, "controller.quorum.retry.backoff.ms");
  // A fetch that waits for news must not look like one that is lost.
  timeouts.max_wait = std::min({timeouts.max_wait, timeouts.fetch / 4, timeouts.request / 4});
  return timeouts;
}

}  // namespace

metadata::QuorumNetwork quorum_network(const config::BrokerConfig& config,
                                       const NodeEnvironment& environment) {
  metadata::QuorumNetwork network;
  network.connect = environment.connect_quorum;
  network.probe = environment.probe;
  for (const config::HostPort& at : config.controller_bootstrap)
    network.bootstrap.push_back({at.host, at.port});
  for (const config::QuorumVoter& voter : config.voters)
    network.bootstrap.push_back({voter.address.host, voter.address.port});
  network.listener = config.controller_listeners.front();
  network.timeouts = raft_timeouts(config);
  network.fetch_bytes = static_cast<size_t>(config.integer("controller.quorum.fetch.max.bytes"));
  network.snapshot_bytes =
      static_cast<size_t>(config.integer("controller.quorum.fetch.snapshot.max.bytes"));
  return network;
}

std::vector<raft::Endpoint> controller_endpoints(const config::BrokerConfig& config,
                                                 const std::vector<config::Listener>& listeners) {
  std::vector<raft::Endpoint> endpoints;
  for (const config::Listener& listener : listeners) {
    if (config.is_controller_listener(listener.name))
      endpoints.push_back({listener.name, listener.host, listener.port});
  }
  return endpoints;
}

}  // namespace longhaul::broker::app
