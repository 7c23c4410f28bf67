#include "broker/app/lifecycle.h"

#include <algorithm>
#include <chrono>

#include "broker/metadata/features.h"

namespace longhaul::broker::app {
namespace {

using protocol::ErrorCode;

constexpr std::chrono::milliseconds kRetry{100};
constexpr std::chrono::seconds kTimeout{10};

}  // namespace

Lifecycle::Lifecycle(Params params, protocol::BrokerRegistrationRequest registration)
    : params_(std::move(params)), registration_(std::move(registration)) {}

Lifecycle::~Lifecycle() {
  *alive_ = false;
  if (timer_ != 0) params_.loop.cancel(timer_);
}

void Lifecycle::start(base::Task unfenced) {
  unfenced_ = std::move(unfenced);
  register_broker();
}

void Lifecycle::again(void (Lifecycle::*step)()) {
  timer_ = params_.loop.after(kRetry, [this, step] {
    timer_ = 0;
    (this->*step)();
  });
}

void Lifecycle::register_broker() {
  params_.controller.register_broker(
      registration_, {&params_.loop, params_.clock.monotonic() + kTimeout},
      [this, alive = alive_](const protocol::BrokerRegistrationResponse& response) {
        if (!*alive) return;
        if (response.error_code != ErrorCode::kNone) {
          params_.log.warn("the controller does not register this broker yet: {}",
                           protocol::name(response.error_code));
          return again(&Lifecycle::register_broker);
        }
        epoch_ = response.broker_epoch;
        heartbeat();
      });
}

void Lifecycle::heartbeat() {
  protocol::BrokerHeartbeatRequest request;
  request.broker_id = registration_.broker_id;
  request.broker_epoch = epoch_;
  request.current_metadata_offset = params_.metadata_offset();
  request.want_fence = false;
  params_.controller.broker_heartbeat(
      request, {&params_.loop, params_.clock.monotonic() + kTimeout},
      [this, alive = alive_](const protocol::BrokerHeartbeatResponse& response) {
        if (!*alive) return;
        if (response.error_code != ErrorCode::kNone) {
          params_.log.warn("the controller refuses the heartbeat: {}",
                           protocol::name(response.error_code));
          return again(&Lifecycle::register_broker);
        }
        if (response.is_fenced) return again(&Lifecycle::heartbeat);
        params_.log.info("broker {} is unfenced, epoch {}", registration_.broker_id, epoch_);
        unfenced_();
      });
}

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
