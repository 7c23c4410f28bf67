// How a broker gets into the cluster's metadata (KIP-631).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/uuid.h"
#include "broker/config/broker_config.h"
#include "broker/metadata/controller_client.h"
#include "protocol/messages/broker_registration.h"

namespace longhaul::broker::app {

/// Registers with the controller and then sends heartbeats until it is unfenced; tries again for
/// as long as it takes. Lives on the metadata loop.
class Lifecycle {
 public:
  struct Params {
    base::EventLoop& loop;
    const base::Clock& clock;
    metadata::ControllerClient& controller;
    base::Logger log;
    std::function<int64_t()> metadata_offset;  // how far this broker has read
  };
  Lifecycle(Params params, protocol::BrokerRegistrationRequest registration);
  ~Lifecycle();

  void start(base::Task unfenced);
  /// -1 until it is registered.
  int64_t broker_epoch() const { return epoch_; }

 private:
  void register_broker();
  void heartbeat();
  void again(void (Lifecycle::*step)());

  Params params_;
  protocol::BrokerRegistrationRequest registration_;
  base::Task unfenced_;
  int64_t epoch_ = -1;
  base::TimerId timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

protocol::BrokerRegistrationRequest registration_of(const config::BrokerConfig& config,
                                                    const std::string& cluster_id,
                                                    const std::vector<config::Listener>& advertised,
                                                    std::vector<base::Uuid> directories,
                                                    const base::Uuid& incarnation);

}  // namespace longhaul::broker::app
