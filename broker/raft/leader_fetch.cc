// How a leader answers Fetch and FetchSnapshot.
#include <algorithm>
#include <utility>

#include "broker/raft/raft.h"

namespace longhaul::broker::raft {

std::optional<ErrorCode> Raft::refuse_fetch(int32_t epoch) const {
  if (epoch < election_.epoch) return ErrorCode::kFencedLeaderEpoch;
  if (epoch > election_.epoch) return ErrorCode::kUnknownLeaderEpoch;
  if (!is_leader()) return ErrorCode::kNotLeaderOrFollower;
  return std::nullopt;
}

/// True if the replica's log ends where ours no longer says what had to be there.
bool Raft::is_cleaned(const FetchRequest& request) const {
  const OffsetAndEpoch& origin = log_.epochs.origin();
  if (request.offset < origin.offset) return true;
  if (origin.offset == 0) return false;
  return request.last_epoch < origin.epoch ||
         (request.offset == origin.offset && request.last_epoch != origin.epoch);
}

std::optional<OffsetAndEpoch> Raft::divergence(const FetchRequest& request) const {
  if (request.offset == start_offset()) return std::nullopt;
  OffsetAndEpoch mine = log_.epochs.end_of(request.last_epoch, log_.end_offset);
  if (mine.epoch == request.last_epoch && request.offset <= mine.offset) return std::nullopt;
  return mine;
}

void Raft::on(const FetchRequest& request, uint64_t id, Now now, Outputs& out) {
  auto answer = [&](FetchResponse response) {
    out.emplace_back(Reply{id, std::move(response), {}});
  };
  if (auto error = refuse_fetch(request.epoch)) return answer({standing(*error)});
  note_contact(request.replica, now);
  FetchResponse response{standing(ErrorCode::kNone), high_watermark_};
  if (is_cleaned(request)) {
    response.snapshot = log_.snapshot;
    return answer(std::move(response));
  }
  if ((response.diverging = divergence(request))) return answer(std::move(response));
  if (request.replica.id >= 0) note_progress(request, now);
  advance_high_watermark(now, out);
  if (!is_leader()) return answer({standing(ErrorCode::kNotLeaderOrFollower)});
  if (!answer_with_news(request, id, out)) wait_for_news(request, id, now, out);
}

/// A replica that is known is alive, whatever it asks for.
void Raft::note_contact(const ReplicaKey& replica, Now now) {
  auto found = leadership_.replicas.find(replica);
  if (found != leadership_.replicas.end()) found->second.last_fetch = now;
}

/// Anybody can claim to be a new replica: of too many, the one goes that was silent for longest.
void Raft::make_room_for(const ReplicaKey& replica) {
  auto& replicas = leadership_.replicas;
  if (replicas.size() < kMostReplicas || replicas.count(replica) > 0) return;
  auto rank = [&](const auto& entry) {
    return std::pair(log_.voters.latest().contains(entry.first), entry.second.last_fetch);
  };
  auto silent = std::min_element(replicas.begin(), replicas.end(),
                                 [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  replicas.erase(silent);
}

void Raft::note_progress(const FetchRequest& request, Now now) {
  make_room_for(request.replica);
  Progress& progress = leadership_.replicas[request.replica];
  progress.last_fetch = now;
  progress.durable = std::max(progress.durable, request.offset);
  // Who had at this fetch what there was at the one before was never behind in between.
  bool has_all = request.offset >= log_.end_offset;
  if (has_all || (progress.end_at_last_fetch > 0 && request.offset >= progress.end_at_last_fetch))
    progress.caught_up = now;
  progress.end_at_last_fetch = log_.end_offset;
}

bool Raft::answer_with_news(const FetchRequest& request, uint64_t id, Outputs& out) {
  bool has_records = request.offset < log_.end_offset;
  if (!has_records && request.high_watermark >= high_watermark_) return false;
  FetchResponse response{standing(ErrorCode::kNone), high_watermark_};
  out.emplace_back(Reply{id, std::move(response),
                         has_records ? std::optional<int64_t>(request.offset) : std::nullopt});
  return true;
}

void Raft::wait_for_news(const FetchRequest& request, uint64_t id, Now now, Outputs& out) {
  // A replica waits in one place; what it asked before it has given up. Consumers are all alike.
  for (auto& waiting : leadership_.fetches) {
    if (request.replica.id >= 0 && waiting.request.replica == request.replica) waiting.until = now;
  }
  answer_expired(now, out);
  Now wait = std::min<Now>(request.max_wait, timeouts_.request);
  leadership_.fetches.push_back({id, request, now + wait});
}

void Raft::answer_waiting(Outputs& out) {
  std::erase_if(leadership_.fetches, [&](const auto& waiting) {
    return answer_with_news(waiting.request, waiting.id, out);
  });
}

void Raft::answer_expired(Now now, Outputs& out) {
  std::erase_if(leadership_.fetches, [&](const auto& waiting) {
    if (waiting.until > now) return false;
    FetchResponse nothing_new{standing(ErrorCode::kNone), high_watermark_};
    out.emplace_back(Reply{waiting.id, std::move(nothing_new), {}});
    return true;
  });
}

void Raft::on(const FetchSnapshotRequest& request, uint64_t id, Now now, Outputs& out) {
  FetchSnapshotResponse response{standing(ErrorCode::kNone), request.snapshot, 0, request.position};
  if (auto error = refuse_fetch(request.epoch)) {
    response.standing = standing(*error);
  } else {
    note_contact(request.replica, now);
  }
  out.emplace_back(Reply{id, std::move(response), {}});
}

}  // namespace longhaul::broker::raft
