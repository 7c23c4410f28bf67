// How a broker makes itself known to the controller and comes alive (KIP-631).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "broker/metadata/controller_client.h"
#include "broker/metadata/publisher.h"

namespace longhaul::broker::metadata {

/// All on one loop. What fails for a while (no controller yet, a time-out) is tried again for as
/// long as it takes; what the controller refuses for good is reported. Ends when destroyed.
class BrokerLifecycle : public std::enable_shared_from_this<BrokerLifecycle> {
 public:
  struct Params {
    base::EventLoop* loop = nullptr;
    const base::Clock* clock = nullptr;
    base::Logger logger{base::null_sink(), "lifecycle"};
    ControllerClient* controller = nullptr;
    const ImagePublisher* images = nullptr;
    /// With an incarnation of its own for each run of the process.
    protocol::BrokerRegistrationRequest registration;
    int64_t retry_ms = 100;
    int64_t request_timeout_ms = 30'000;
    /// The controller refuses this broker: wrong cluster, features, directories.
    std::function<void(protocol::ErrorCode)> on_refused;
  };

  explicit BrokerLifecycle(Params params) : params_(std::move(params)) {}

  /// Registers; `done(broker epoch)` once the registration is part of this node's image.
  void register_broker(std::function<void(int64_t)> done);
  /// After register_broker, when the broker is ready to serve what it leads: asks to be unfenced.
  void unfence(std::function<void()> done);

  /// -1 before the registration.
  int64_t broker_epoch() const { return epoch_; }

 private:
  void registered(const protocol::BrokerRegistrationResponse& response);
  void heard(const protocol::BrokerHeartbeatResponse& response);
  void send_registration();
  void send_heartbeat();
  void try_again(void (BrokerLifecycle::*what)());
  /// True if the error is handled: tried again or reported.
  bool failed(protocol::ErrorCode code, void (BrokerLifecycle::*what)());
  ReplyTo reply_to() const;

  Params params_;
  std::function<void(int64_t)> on_registered_;
  std::function<void()> on_unfenced_;
  int64_t epoch_ = -1;
};

}  // namespace longhaul::broker::metadata
