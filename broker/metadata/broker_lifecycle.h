// How a broker makes itself known to the controller, stays alive, and leaves (KIP-631).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

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
    int64_t heartbeat_interval_ms = 2'000;  ///< broker.heartbeat.interval.ms
    /// After a failure, and while the controller has us fenced or has not let us go.
    int64_t retry_ms = 100;
    int64_t request_timeout_ms = 4'500;  ///< well below broker.session.timeout.ms
    int64_t shutdown_timeout_ms = 30'000;
    /// The controller refuses this broker: wrong cluster, features, directories; or its ID is
    /// another process's now.
    std::function<void(protocol::ErrorCode)> on_refused;
    /// The controller fenced this broker, or unfenced it (again).
    std::function<void(bool fenced)> on_fenced = [](bool) {};
    /// The IDs of log directories that have failed by now.
    std::function<std::vector<base::Uuid>()> offline_directories = [] {
      return std::vector<base::Uuid>();
    };
  };

  explicit BrokerLifecycle(Params params) : params_(std::move(params)) {}

  /// Registers; `done(broker epoch)` once the controller has that.
  void register_broker(std::function<void(int64_t)> done);
  /// After register_broker, when the broker is ready to serve what it leads: asks to be unfenced.
  /// Heartbeats go on from then.
  void unfence(std::function<void()> done);
  /// Controlled shutdown: asks for others to lead what this broker leads. `done` once it leads
  /// nothing and whoever is alive knows, or if that cannot be had within the shutdown time-out, or
  /// no controller answers within the request's.
  /// There are no heartbeats any more then.
  void shut_down(std::function<void()> done);

  /// -1 before the registration.
  int64_t broker_epoch() const { return epoch_; }

 private:
  using Step = void (BrokerLifecycle::*)();

  void send_registration();
  void registered(const protocol::BrokerRegistrationResponse& response);
  void send_heartbeat();
  void heard(const protocol::BrokerHeartbeatResponse& response);
  void set_fenced(bool fenced);
  void end();
  void next(int64_t delay_ms, Step step);
  /// True if the error is handled: tried again or reported.
  bool failed(protocol::ErrorCode code, Step step);
  ReplyTo reply_to() const;

  Params params_;
  std::function<void(int64_t)> on_registered_;
  std::function<void()> on_unfenced_;
  std::function<void()> on_shut_down_;
  int64_t epoch_ = -1;
  bool fenced_ = true;
  bool in_flight_ = false;  // a heartbeat
  bool ended_ = false;
  protocol::ErrorCode last_error_ = protocol::ErrorCode::kNone;
  base::TimerId timer_ = 0;
};

}  // namespace longhaul::broker::metadata
