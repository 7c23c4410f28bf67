#include "broker/app/registration.h"

#include <algorithm>

#include "broker/metadata/features.h"

namespace longhaul::broker::app {

namespace {

template <class Request>
void add_listeners(Request& request, const config::BrokerConfig& config,
                   const std::vector<config::Listener>& advertised, bool of_controllers) {
  for (const config::Listener& listener : advertised) {
    if (config.is_controller_listener(listener.name) != of_controllers) continue;
    request.listeners.push_back({.name = listener.name,
                                 .host = listener.host,
                                 .port = listener.port,
                                 .security_protocol = static_cast<int16_t>(listener.protocol)});
  }
}

template <class Request>
void add_features(Request& request) {
  for (const auto& [name, range] : metadata::supported_features()) {
    request.features.push_back(
        {.name = name, .min_supported_version = range.min, .max_supported_version = range.max});
  }
}

}  // namespace

protocol::BrokerRegistrationRequest registration_of(const config::BrokerConfig& config,
                                                    const std::string& cluster_id,
                                                    const std::vector<config::Listener>& advertised,
                                                    std::vector<base::Uuid> directories,
                                                    const base::Uuid& incarnation,
                                                    int64_t previous_epoch) {
  protocol::BrokerRegistrationRequest request;
  request.broker_id = config.node_id;
  request.cluster_id = cluster_id;
  request.incarnation_id = incarnation;
  add_listeners(request, config, advertised, false);
  add_features(request);
  request.rack = config.maybe_string("broker.rack");
  std::sort(directories.begin(), directories.end());
  request.log_dirs = std::move(directories);
  request.previous_broker_epoch = previous_epoch;
  return request;
}

protocol::ControllerRegistrationRequest controller_registration_of(
    const config::BrokerConfig& config, const std::vector<config::Listener>& advertised,
    const base::Uuid& incarnation) {
  protocol::ControllerRegistrationRequest request;
  request.controller_id = config.node_id;
  request.incarnation_id = incarnation;
  add_listeners(request, config, advertised, true);
  add_features(request);
  return request;
}

}  // namespace longhaul::broker::app
