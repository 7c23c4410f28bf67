#include "broker/metadata/leader_requests.h"

#include <utility>
#include <vector>

namespace longhaul::broker::metadata {

using protocol::ErrorCode;

void LeaderRequests::submit(Pending pending) {
  uint64_t id = next_id_++;
  pending_.emplace(id, Entry{std::move(pending), 0});
  if (stopped_) return refuse(id, ErrorCode::kNotController, "The node is shutting down.");
  attempt(id);
}

void LeaderRequests::attempt(uint64_t id) {
  auto found = pending_.find(id);
  if (found == pending_.end()) return;
  if (params_.is_leader()) {
    if (auto pending = take(id)) pending->here();
    return;
  }
  Entry& entry = found->second;
  params_.loop->cancel(entry.timer);
  int attempt = ++entry.attempts;
  if (entry.pending.deadline <= params_.clock->monotonic())
    return refuse(id, ErrorCode::kRequestTimedOut, "There was no active controller in time.");
  auto channel = params_.connect();
  if (channel == nullptr) return try_later(id, attempt);
  // A leader that does not answer must not outlast the deadline.
  entry.timer = params_.loop->after(
      entry.pending.deadline - params_.clock->monotonic(), [weak = weak_from_this(), id] {
        auto self = weak.lock();
        if (self)
          self->refuse(id, ErrorCode::kRequestTimedOut, "The controller did not answer in time.");
      });
  entry.pending.there(
      *channel, [weak = weak_from_this(), loop = params_.loop, id, attempt](base::Task answer) {
        loop->post([weak, id, attempt, answer = std::move(answer)]() mutable {
          auto self = weak.lock();
          if (self == nullptr) return;
          if (!answer) return self->try_later(id, attempt);
          if (self->take(id)) answer();
        });
      });
}

/// Unless another attempt has begun since.
void LeaderRequests::try_later(uint64_t id, int attempt) {
  auto found = pending_.find(id);
  if (found == pending_.end() || found->second.attempts != attempt) return;
  params_.loop->cancel(found->second.timer);
  found->second.timer = params_.loop->after(params_.retry, [weak = weak_from_this(), id] {
    if (auto self = weak.lock()) self->attempt(id);
  });
}

std::optional<LeaderRequests::Pending> LeaderRequests::take(uint64_t id) {
  auto found = pending_.find(id);
  if (found == pending_.end()) return std::nullopt;
  params_.loop->cancel(found->second.timer);
  Pending pending = std::move(found->second.pending);
  pending_.erase(found);
  return pending;
}

void LeaderRequests::refuse(uint64_t id, ErrorCode code, const char* why) {
  if (auto pending = take(id)) pending->refuse(protocol::KafkaError{code, why});
}

void LeaderRequests::leader_changed() {
  std::vector<uint64_t> ids;
  for (const auto& [id, entry] : pending_) ids.push_back(id);
  for (uint64_t id : ids) attempt(id);
}

void LeaderRequests::stop() {
  stopped_ = true;
  while (!pending_.empty())
    refuse(pending_.begin()->first, ErrorCode::kNotController, "The node is shutting down.");
}

}  // namespace longhaul::broker::metadata
