#include "broker/app/registration.h"

#include <algorithm>

#include "broker/metadata/features.h"

namespace longhaul::broker::app {

protocol::BrokerRegistrationRequest registration_of(const config::BrokerConfig& config,
                                                    const std::string& cluster_id,
                                                    const std::vector<config::Listener>& advertised,
                                                    std::vector<base::Uuid> directories,
                                                    const base::Uuid& incarnation) {
  protocol::BrokerRegistrationRequest request;
  request.broker_id = config.node_id;
  request.cluster_id = cluster_id;
  request.incarnation_id = incarnation;
  for (const config::Listener& listener : advertised) {
    if (config.is_controller_listener(listener.name)) continue;
    request.listeners.push_back({.name = listener.name,
                                 .host = listener.host,
                                 .port = listener.port,
                                 .security_protocol = static_cast<int16_t>(listener.protocol)});
  }
  for (const auto& [name, range] : metadata::supported_features()) {
    request.features.push_back(
        {.name = name, .min_supported_version = range.min, .max_supported_version = range.max});
  }
  request.rack = config.maybe_string("broker.rack");
  std::sort(directories.begin(), directories.end());
  request.log_dirs = std::move(directories);
  return request;
}

}  // namespace longhaul::broker::app
