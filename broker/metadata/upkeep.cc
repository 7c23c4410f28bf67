#include "broker/metadata/upkeep.h"

#include <utility>

#include "broker/metadata/internal_topics.h"

namespace longhaul::broker::metadata {
namespace {

/// Until the next attempt after the log could not be written, as on a full disk.
constexpr std::chrono::seconds kUpkeepRetry{1};
constexpr std::chrono::microseconds kNow{0};
constexpr int kReachAttempts = 5;
constexpr std::chrono::milliseconds kReachPause{50};

}  // namespace

void ControllerUpkeep::begin(const MetadataImage& image) {
  active_ = true;
  active_brokers_ = image.active_brokers();
  raise_timer_ = after(kNow, &ControllerUpkeep::raise_replicas);
  tracker_ = BrokerHeartbeatTracker(params_.settings.session_timeout);
  tracker_.follow(image, params_.clock->monotonic());
  tracker_.doubt(params_.node_id);
  watch_sessions();
  // Whoever died before, perhaps with the controller before us, has no connection to lose.
  image.brokers.for_each([this](int32_t id, const Shared<Broker>& broker) {
    if (id != params_.node_id && !broker->fenced) look_for(*broker, 1);
  });
  if (params_.settings.balance_interval)
    balance_timer_ = after(*params_.settings.balance_interval, &ControllerUpkeep::balance);
  unclean_timer_ =
      after(params_.settings.unclean_interval, &ControllerUpkeep::elect_without_leader);
}

void ControllerUpkeep::end() {
  active_ = false;
  for (base::TimerId* timer :
       {&session_timer_, &balance_timer_, &unclean_timer_, &settle_timer_, &raise_timer_})
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
  size_t before = std::exchange(active_brokers_, image.active_brokers());
  if (active_brokers_ > before && raise_timer_ == 0) {
    raise_timer_ = after(kNow, &ControllerUpkeep::raise_replicas);
  }
}

void ControllerUpkeep::heard(int32_t broker, int64_t epoch, int64_t offset) {
  tracker_.heard(broker, epoch, offset, params_.clock->monotonic());
}

void ControllerUpkeep::connection_closed(const Broker& broker) {
  // A process that ends may have closed this connection before it stops listening.
  if (active_) look_for(broker, kReachAttempts);
}

void ControllerUpkeep::look_for(const Broker& broker, int attempts) {
  if (!params_.reach || !tracker_.connection_closed(broker.id, broker.epoch)) return;
  reach(broker, attempts);
}

void ControllerUpkeep::reach(const Broker& broker, int attempts) {
  params_.reach(broker, [weak = weak_from_this(), broker, attempts](bool refused) {
    auto self = weak.lock();
    if (self == nullptr || !self->active_ || !self->tracker_.is_in_question(broker.id)) return;
    if (refused) {
      self->tracker_.reconnect_refused(broker.id, broker.epoch);
      return self->fence_silent();
    }
    if (attempts > 1) {
      self->params_.loop->after(kReachPause, [weak, broker, attempts] {
        if (auto still = weak.lock()) still->reach(broker, attempts - 1);
      });
    }
  });
}

/// No session can end before the one the timer is set for: heartbeats only put ends off.
void ControllerUpkeep::watch_sessions() {
  if (session_timer_ != 0) return;
  auto next = tracker_.next_expiry();
  if (!next) return;
  wake_at(std::max(*next, params_.clock->monotonic()));
}

void ControllerUpkeep::wake_at(base::Clock::Monotonic time) {
  session_due_ = time;
  session_timer_ = after(time - params_.clock->monotonic(), &ControllerUpkeep::session_over);
}

/// A timer that is late by a good part of a session says that this process stood still: heartbeats
/// may wait anywhere on their way. (Not by less: who is merely slow would never fence anybody.) If
/// it is a little late, those that wait in this loop come first.
void ControllerUpkeep::session_over() {
  auto now = params_.clock->monotonic();
  if (now - session_due_ > params_.settings.session_timeout / 4) tracker_.renew_all(now);
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
    if (active_ && session_timer_ == 0) wake_at(params_.clock->monotonic() + kUpkeepRetry);
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

void ControllerUpkeep::raise_replicas() {
  raise_timer_ = 0;
  auto raised = params_.carry_out(raise_internal_replicas);
  if (!active_) return;
  if (!raised) raise_timer_ = after(kUpkeepRetry, &ControllerUpkeep::raise_replicas);
  if (raised && *raised > 0)
    params_.logger.info("{} partitions of internal topics get more replicas", *raised);
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
