#include "broker/metadata/broker_lifecycle.h"

#include <chrono>
#include <utility>

#include "protocol/error_code.h"

namespace longhaul::broker::metadata {

using protocol::ErrorCode;
using std::chrono::milliseconds;

void BrokerLifecycle::register_broker(std::function<void(int64_t)> done) {
  on_registered_ = std::move(done);
  send_registration();
}

void BrokerLifecycle::unfence(std::function<void()> done) {
  on_unfenced_ = std::move(done);
  send_heartbeat();
}

void BrokerLifecycle::shut_down(std::function<void()> done) {
  on_shut_down_ = std::move(done);
  if (epoch_ < 0 || ended_) return end();
  params_.loop->after(milliseconds(params_.shutdown_timeout_ms), [weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr || self->ended_) return;
    self->params_.logger.warn("the controller does not let this broker go: it goes now");
    self->end();
  });
  if (!in_flight_) next(0, &BrokerLifecycle::send_heartbeat);
}

void BrokerLifecycle::end() {
  ended_ = true;
  params_.loop->cancel(std::exchange(timer_, 0));
  if (on_shut_down_) std::exchange(on_shut_down_, {})();
}

ReplyTo BrokerLifecycle::reply_to() const {
  return {params_.loop, params_.clock->monotonic() + milliseconds(params_.request_timeout_ms)};
}

void BrokerLifecycle::send_registration() {
  params_.controller->ask(&metadata::register_broker, params_.registration, reply_to(),
                          [weak = weak_from_this()](protocol::BrokerRegistrationResponse response) {
                            if (auto self = weak.lock()) self->registered(response);
                          });
}

void BrokerLifecycle::registered(const protocol::BrokerRegistrationResponse& response) {
  if (ended_ || failed(response.error_code, &BrokerLifecycle::send_registration)) return;
  epoch_ = response.broker_epoch;
  params_.logger.info("registered as broker {} in epoch {}", params_.registration.broker_id,
                      epoch_);
  if (on_registered_) std::exchange(on_registered_, {})(epoch_);
}

void BrokerLifecycle::send_heartbeat() {
  protocol::BrokerHeartbeatRequest request;
  request.broker_id = params_.registration.broker_id;
  request.broker_epoch = epoch_;
  request.current_metadata_offset = params_.images->current()->provenance.offset - 1;
  request.want_shut_down = on_shut_down_ != nullptr;
  request.offline_log_dirs = params_.offline_directories();
  in_flight_ = true;
  params_.controller->ask(&metadata::broker_heartbeat, std::move(request), reply_to(),
                          [weak = weak_from_this()](protocol::BrokerHeartbeatResponse response) {
                            if (auto self = weak.lock()) self->heard(response);
                          });
}

void BrokerLifecycle::heard(const protocol::BrokerHeartbeatResponse& response) {
  in_flight_ = false;
  if (on_shut_down_ && response.error_code == ErrorCode::kRequestTimedOut) {
    params_.logger.warn("no controller is there to give away what this broker leads: it goes now");
    return end();
  }
  if (ended_ || failed(response.error_code, &BrokerLifecycle::send_heartbeat)) return;
  set_fenced(response.is_fenced);
  if (on_shut_down_ && response.should_shut_down) return end();
  bool soon = response.is_fenced || on_shut_down_;
  next(soon ? params_.retry_ms : params_.heartbeat_interval_ms, &BrokerLifecycle::send_heartbeat);
}

void BrokerLifecycle::set_fenced(bool fenced) {
  if (fenced == std::exchange(fenced_, fenced)) return;
  params_.logger.info("{}", fenced ? "fenced" : "unfenced");
  params_.on_fenced(fenced);
  if (!fenced && on_unfenced_) std::exchange(on_unfenced_, {})();
}

bool BrokerLifecycle::failed(ErrorCode code, Step step) {
  bool is_new = code != std::exchange(last_error_, code);
  if (code == ErrorCode::kNone) return false;
  if (protocol::is_retriable(code) || code == ErrorCode::kDuplicateBrokerRegistration) {
    if (is_new) params_.logger.warn("the controller answers {}", protocol::name(code));
    next(params_.retry_ms, step);
  } else if (on_shut_down_) {
    end();
  } else if (params_.on_refused) {
    params_.on_refused(code);
  }
  return true;
}

void BrokerLifecycle::next(int64_t delay_ms, Step step) {
  params_.loop->cancel(timer_);
  timer_ = params_.loop->after(milliseconds(delay_ms), [weak = weak_from_this(), step] {
    if (auto self = weak.lock()) (self.get()->*step)();
  });
}

}  // namespace longhaul::broker::metadata
