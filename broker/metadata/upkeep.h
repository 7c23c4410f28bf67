// What the active controller does unasked, as time goes by.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/result.h"
#include "broker/metadata/controller.h"
#include "broker/metadata/heartbeat_tracker.h"

namespace longhaul::broker::metadata {

struct UpkeepSettings {
  std::chrono::milliseconds session_timeout{9'000};  ///< broker.session.timeout.ms
  /// leader.imbalance.check.interval.seconds; absent without auto.leader.rebalance.enable.
  std::optional<std::chrono::milliseconds> balance_interval;
  /// As in Kafka.
  std::chrono::milliseconds unclean_interval{300'000};
};

/// Fences brokers that are silent (KIP-631), gives leadership back to preferred replicas, elects
/// unclean leaders where an option allows it by now, and gives internal topics the replicas that
/// they lack when brokers join. Metadata loop only; does something
/// only between `begin` and `end`, which is while this node is the active controller.
class ControllerUpkeep : public std::enable_shared_from_this<ControllerUpkeep> {
 public:
  using Decide = std::function<MetadataRecords(const ControllerInput&)>;
  /// Tries to reach a broker; `refused` tells whether its address answered that nobody is there.
  using Reach = std::function<void(const Broker&, base::Callback<void(bool refused)>)>;

  struct Params {
    base::EventLoop* loop = nullptr;
    const base::Clock* clock = nullptr;
    base::Logger logger{base::null_sink(), "metadata"};
    UpkeepSettings settings;
    int32_t node_id = -1;
    /// Decides by everything appended so far, and appends that: how many records it was.
    std::function<base::Result<size_t>(const Decide&)> carry_out;
    Reach reach;  ///< absent: a broker is silent until its session ends
  };

  explicit ControllerUpkeep(Params params)
      : params_(std::move(params)), tracker_(params_.settings.session_timeout) {}

  void begin(const MetadataImage& image);
  void end();

  /// The image that was appended last.
  void follow(const MetadataImage& image);
  /// A batch was full, and what else follows from it could not be appended: it is tried again.
  void settle_later();
  /// A heartbeat of a broker that has the metadata up to `offset`.
  void heard(int32_t broker, int64_t epoch, int64_t offset);
  /// A connection on which the broker sent its heartbeats is closed. If nobody can be reached at
  /// its address any more, its process is gone: it is fenced without waiting for its session to
  /// end.
  void connection_closed(const Broker& broker);

  /// Null while this node is not the active controller.
  const BrokerHeartbeatTracker* heartbeats() const { return active_ ? &tracker_ : nullptr; }

 private:
  using Round = base::Result<size_t> (ControllerUpkeep::*)();

  base::TimerId after(std::chrono::microseconds delay, void (ControllerUpkeep::*what)());
  void watch_sessions();
  void wake_at(base::Clock::Monotonic time);
  void session_over();
  void fence_silent();
  void settle();
  void balance();
  void elect_without_leader();
  void raise_replicas();

  void look_for(const Broker& broker, int attempts);
  void reach(const Broker& broker, int attempts);

  Params params_;
  BrokerHeartbeatTracker tracker_;
  bool active_ = false;
  size_t active_brokers_ = 0;
  base::Clock::Monotonic session_due_{};  // when session_timer_ should come
  base::TimerId session_timer_ = 0, balance_timer_ = 0, unclean_timer_ = 0, settle_timer_ = 0,
                raise_timer_ = 0;
};

}  // namespace longhaul::broker::metadata
