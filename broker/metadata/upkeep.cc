#include "broker/metadata/upkeep.h"

#include <utility>

namespace longhaul::broker::metadata {
namespace {

/// Until the next attempt after the log could not be written, as on a full disk.
constexpr std::chrono::seconds kUpkeepRetry{1};
constexpr std::chrono::microseconds kNow{0};

}  // namespace

void ControllerUpkeep::begin(const MetadataImage& image) {
  active_ = true;
  tracker_ = BrokerHeartbeatTracker(params_.settings.session_timeout);
  tracker_.follow(image, params_.clock->monotonic());
  tracker_.doubt(params_.node_id);
  watch_sessions();
  if (params_.settings.balance_interval)
    balance_timer_ = after(*params_.settings.balance_interval, &ControllerUpkeep::balance);
  unclean_timer_ =
      after(params_.settings.unclean_interval, &ControllerUpkeep::elect_without_leader);
}

void ControllerUpkeep::end() {
  active_ = false;
  for (base::TimerId* timer : {&session_timer_, &balance_timer_, &unclean_timer_, &settle_timer_})
    params_.loop->cancel(std::exchange(*timer, 0));
}

base::TimerId ControllerUpkeep::after(std::chrono::microseconds delay,
                                      void (ControllerUpkeep::*what)()) {
  return params_.loop->after(delay, [weak = weak_from_this(), what] {
    if (auto self = weak.lock()) (self.get()->*what)();
  });
}

void ControllerUpkeep::follow(const MetadataImage& image) {
  tracker_.follow(image, params_.clock->monotonic());
  watch_sessions();
}

void ControllerUpkeep::heard(int32_t broker, int64_t epoch, int64_t offset) {
  tracker_.heard(broker, epoch, offset, params_.clock->monotonic());
}

void ControllerUpkeep::connection_reset(const Broker& broker) {
  if (!active_ || !params_.reach || !tracker_.connection_reset(broker.id, broker.epoch)) return;
  params_.reach(broker, [weak = weak_from_this(), id = broker.id, epoch = broker.epoch](bool no) {
    auto self = weak.lock();
    if (self == nullptr || !self->active_ || !no) return;
    self->tracker_.reconnect_refused(id, epoch);
    self->fence_silent();
  });
}

/// No session can end before the one the timer is set for: heartbeats only put ends off.
void ControllerUpkeep::watch_sessions() {
  if (session_timer_ != 0) return;
  auto next = tracker_.next_expiry();
  if (!next) return;
  auto now = params_.clock->monotonic();
  session_timer_ = after(*next <= now ? kNow : *next - now, &ControllerUpkeep::session_over);
}

/// If it was this loop that stood still, heartbeats wait in it: they come first.
void ControllerUpkeep::session_over() {
  params_.loop->post([weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr || !self->active_) return;
    self->session_timer_ = 0;
    self->fence_silent();
  });
}

void ControllerUpkeep::fence_silent() {
  for (const auto& run : tracker_.to_fence(params_.clock->monotonic())) {
    params_.logger.warn("broker {} is fenced: nothing is heard of it", run.id);
    auto done = params_.carry_out(
        [&](const ControllerInput& input) { return fence_broker(input, run.id, run.epoch); });
    if (done) continue;
    params_.logger.error("fencing broker {}: {}", run.id, done.error().message);
    if (active_ && session_timer_ == 0)
      session_timer_ = after(kUpkeepRetry, &ControllerUpkeep::session_over);
    return;
  }
  watch_sessions();
}

void ControllerUpkeep::settle_later() {
  if (!active_ || settle_timer_ != 0) return;
  params_.logger.error("what a broker's new state means for partitions finds no room yet");
  settle_timer_ = after(kUpkeepRetry, &ControllerUpkeep::settle);
}

void ControllerUpkeep::settle() {
  settle_timer_ = 0;
  if (!params_.carry_out(left_over)) settle_later();
}

void ControllerUpkeep::balance() {
  auto moved = params_.carry_out(balance_leaders);
  if (!active_) return;
  if (moved && *moved > 0) params_.logger.info("{} leaders back to preferred replicas", *moved);
  bool more = moved && *moved >= kMaxElectionsPerRound;
  balance_timer_ =
      after(more ? kNow : *params_.settings.balance_interval, &ControllerUpkeep::balance);
}

void ControllerUpkeep::elect_without_leader() {
  auto elected = params_.carry_out(elect_unclean);
  if (!active_) return;
  if (elected && *elected > 0)
    params_.logger.warn("{} partitions have unclean leaders: records may be lost", *elected);
  unclean_timer_ =
      after(params_.settings.unclean_interval, &ControllerUpkeep::elect_without_leader);
}

}  // namespace longhaul::broker::metadata
