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

ReplyTo BrokerLifecycle::reply_to() const {
  return {params_.loop, params_.clock->monotonic() + milliseconds(params_.request_timeout_ms)};
}

void BrokerLifecycle::send_registration() {
  params_.controller->register_broker(
      params_.registration, reply_to(),
      [weak = weak_from_this()](protocol::BrokerRegistrationResponse response) {
        if (auto self = weak.lock()) self->registered(response);
      });
}

void BrokerLifecycle::registered(const protocol::BrokerRegistrationResponse& response) {
  if (failed(response.error_code, &BrokerLifecycle::send_registration)) return;
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
  params_.controller->broker_heartbeat(
      std::move(request), reply_to(),
      [weak = weak_from_this()](protocol::BrokerHeartbeatResponse response) {
        if (auto self = weak.lock()) self->heard(response);
      });
}

void BrokerLifecycle::heard(const protocol::BrokerHeartbeatResponse& response) {
  if (failed(response.error_code, &BrokerLifecycle::send_heartbeat)) return;
  if (response.is_fenced) return try_again(&BrokerLifecycle::send_heartbeat);
  params_.logger.info("unfenced");
  if (on_unfenced_) std::exchange(on_unfenced_, {})();
}

bool BrokerLifecycle::failed(ErrorCode code, void (BrokerLifecycle::*what)()) {
  if (code == ErrorCode::kNone) return false;
  if (protocol::is_retriable(code) || code == ErrorCode::kDuplicateBrokerRegistration) {
    params_.logger.warn("the controller answers {}", protocol::name(code));
    try_again(what);
  } else if (params_.on_refused) {
    params_.on_refused(code);
  }
  return true;
}

void BrokerLifecycle::try_again(void (BrokerLifecycle::*what)()) {
  params_.loop->after(milliseconds(params_.retry_ms), [weak = weak_from_this(), what] {
    if (auto self = weak.lock()) (self.get()->*what)();
  });
}

}  // namespace longhaul::broker::metadata
