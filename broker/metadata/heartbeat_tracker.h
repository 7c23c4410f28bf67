// When the controller heard from which broker: what is not in the metadata log, and begins anew
// with each controller.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "broker/metadata/image.h"

namespace longhaul::broker::metadata {

/// Says which brokers are to be fenced by now. All times are given in. A broker's session ends when
/// it was silent for the session time-out; or at once if whoever has its heartbeat connection says
/// that it was reset and that the broker refuses a new one: then its process is gone.
class BrokerHeartbeatTracker {
 public:
  using Time = base::Clock::Monotonic;
  struct BrokerRun {
    int32_t id = -1;
    int64_t epoch = -1;
    bool operator==(const BrokerRun&) const = default;
  };

  /// broker.session.timeout.ms
  explicit BrokerHeartbeatTracker(std::chrono::milliseconds session_timeout)
      : session_timeout_(session_timeout) {}

  /// Takes up who is registered; to be called with every image the controller makes, and with the
  /// first one. A broker that is new here, or has a new epoch or was unfenced, has a whole session
  /// before it.
  void follow(const MetadataImage& image, Time now);
  /// A heartbeat came in; unknown brokers and other epochs are ignored.
  void heard(int32_t id, int64_t epoch, int64_t metadata_offset, Time now);
  /// Nobody could be heard until now: all have a whole session before them, as with a new
  /// controller.
  void renew_all(Time now);
  /// Whoever spoke for this broker may be gone: until it is heard, another process may take its
  /// place. It is not fenced any sooner.
  void doubt(int32_t id);
  /// The connection on which it sent its heartbeats broke. True if the caller should try to reach
  /// the broker and report what comes of it.
  bool connection_closed(int32_t id, int64_t epoch);
  /// True from `connection_closed` until it is heard again, or gone.
  bool is_in_question(int32_t id) const;
  /// An attempt after `connection_closed` was refused. Ends the session unless a heartbeat came in
  /// since.
  void reconnect_refused(int32_t id, int64_t epoch);

  /// True while another process of the same ID must not take over.
  bool has_session(int32_t id, int64_t epoch, Time now) const;
  /// Unfenced brokers whose session is over, the one silent for longest first.
  std::vector<BrokerRun> to_fence(Time now) const;
  /// When the next session ends, if nothing is heard; absent if no broker is unfenced.
  std::optional<Time> next_expiry() const;
  /// True if every active broker has learnt who leads in the place of this one, which is in
  /// controlled shutdown.
  bool may_shut_down(int32_t id) const;

 private:
  struct Session {
    int64_t epoch = -1;
    bool fenced = true;
    bool shutting_down = false;
    Time heard{};
    int64_t metadata_offset = -1;
    /// Behind the last record that took something from it for its shutdown.
    int64_t shutdown_offset = -1;
    bool reset = false;  // its connection, and nothing heard since
    bool gone = false;
    bool doubted = false;
  };
  Session* find(int32_t id, int64_t epoch);
  Time end_of(const Session& session) const;

  std::chrono::milliseconds session_timeout_;
  std::map<int32_t, Session> sessions_;
};

}  // namespace longhaul::broker::metadata
