#include "broker/metadata/heartbeat_tracker.h"

#include <algorithm>

#include "broker/metadata/partition_updates.h"

namespace longhaul::broker::metadata {

void BrokerHeartbeatTracker::follow(const MetadataImage& image, Time now) {
  std::erase_if(sessions_, [&](const auto& entry) { return image.broker(entry.first) == nullptr; });
  image.brokers.for_each([&](int32_t id, const Shared<Broker>& broker) {
    Session& session = sessions_[id];
    bool unfenced = session.fenced && !broker->fenced;
    if (session.epoch != broker->epoch) session = Session{};
    if (session.epoch != broker->epoch || unfenced) {
      session.heard = now;
      session.gone = session.reset = false;
    }
    session.epoch = broker->epoch;
    session.fenced = broker->fenced;
    // Once it is fenced it has gone: there is nothing to look up for it any more.
    bool shutting_down = broker->in_controlled_shutdown && !broker->fenced;
    bool begins = shutting_down && !session.shutting_down;
    session.shutting_down = shutting_down;
    if (begins || (session.shutting_down && leads_any(image, id)))
      session.shutdown_offset = image.provenance.offset;
  });
}

BrokerHeartbeatTracker::Session* BrokerHeartbeatTracker::find(int32_t id, int64_t epoch) {
  auto found = sessions_.find(id);
  return found == sessions_.end() || found->second.epoch != epoch ? nullptr : &found->second;
}

void BrokerHeartbeatTracker::heard(int32_t id, int64_t epoch, int64_t metadata_offset, Time now) {
  Session* session = find(id, epoch);
  if (session == nullptr) return;
  session->heard = now;
  session->metadata_offset = std::max(session->metadata_offset, metadata_offset);
  session->reset = session->gone = session->doubted = false;
}

void BrokerHeartbeatTracker::renew_all(Time now) {
  for (auto& [id, session] : sessions_) session.heard = now;
}

void BrokerHeartbeatTracker::doubt(int32_t id) {
  auto found = sessions_.find(id);
  if (found != sessions_.end()) found->second.doubted = true;
}

bool BrokerHeartbeatTracker::connection_closed(int32_t id, int64_t epoch) {
  Session* session = find(id, epoch);
  if (session == nullptr || session->gone) return false;
  session->reset = true;
  return true;
}

bool BrokerHeartbeatTracker::is_in_question(int32_t id) const {
  auto found = sessions_.find(id);
  return found != sessions_.end() && found->second.reset && !found->second.gone;
}

void BrokerHeartbeatTracker::reconnect_refused(int32_t id, int64_t epoch) {
  Session* session = find(id, epoch);
  if (session != nullptr && session->reset) session->gone = true;
}

BrokerHeartbeatTracker::Time BrokerHeartbeatTracker::end_of(const Session& session) const {
  return session.gone ? Time::min() : session.heard + session_timeout_;
}

bool BrokerHeartbeatTracker::has_session(int32_t id, int64_t epoch, Time now) const {
  auto found = sessions_.find(id);
  return found != sessions_.end() && found->second.epoch == epoch && !found->second.doubted &&
         now < end_of(found->second);
}

std::vector<BrokerHeartbeatTracker::BrokerRun> BrokerHeartbeatTracker::to_fence(Time now) const {
  std::vector<std::pair<Time, BrokerRun>> over;
  for (const auto& [id, session] : sessions_) {
    if (!session.fenced && end_of(session) <= now)
      over.push_back({end_of(session), {id, session.epoch}});
  }
  std::stable_sort(over.begin(), over.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<BrokerRun> result;
  for (const auto& [end, run] : over) result.push_back(run);
  return result;
}

std::optional<BrokerHeartbeatTracker::Time> BrokerHeartbeatTracker::next_expiry() const {
  std::optional<Time> next;
  for (const auto& [id, session] : sessions_) {
    if (!session.fenced && (!next || end_of(session) < *next)) next = end_of(session);
  }
  return next;
}

bool BrokerHeartbeatTracker::may_shut_down(int32_t id) const {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return true;
  return std::all_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    const Session& other = entry.second;
    bool active = entry.first != id && !other.fenced && !other.shutting_down;
    // A heartbeat names the last offset it has; what must be known ends before shutdown_offset.
    return !active || other.metadata_offset + 1 >= found->second.shutdown_offset;
  });
}

}  // namespace longhaul::broker::metadata
