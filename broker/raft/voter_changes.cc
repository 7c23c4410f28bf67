// AddRaftVoter, RemoveRaftVoter and UpdateRaftVoter (KIP-853): one change at a time, each a
// VotersRecord that counts from the moment it is in the log.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "broker/raft/raft.h"

namespace longhaul::broker::raft {
namespace {

/// The record is read by all, and kept.
constexpr size_t kMostEndpoints = 16;
constexpr size_t kLongestName = 255;

bool is_usable(const Endpoint& endpoint) {
  return endpoint.name.size() <= kLongestName && !endpoint.host.empty() &&
         endpoint.host.size() <= kLongestName && endpoint.port > 0;
}

bool is_usable(const Voter& voter) {
  return voter.key.id >= 0 && !voter.key.directory.is_zero() && !voter.endpoints.empty() &&
         voter.endpoints.size() <= kMostEndpoints &&
         voter.min_kraft_version <= voter.max_kraft_version &&
         std::all_of(voter.endpoints.begin(), voter.endpoints.end(),
                     [](const Endpoint& endpoint) { return is_usable(endpoint); });
}

constexpr const char* kNotUsable =
    "a voter has a node ID, a directory ID, and 1 to 16 endpoints with host and port";

}  // namespace

void Raft::answer_change(uint64_t id, ErrorCode error, std::string message, Outputs& out) {
  out.emplace_back(Reply{id, VoterChangeResponse{standing(error), std::move(message)}, {}});
}

/// True if now is not the time for a change, which is then the answer.
bool Raft::refuse_change(uint64_t id, Outputs& out) {
  if (!is_leader()) {
    answer_change(id, ErrorCode::kNotLeaderOrFollower, "this is not the quorum's leader", out);
    return true;
  }
  // Two majorities have one replica in common for certain only if no change is skipped by a leader
  // of a later epoch: so the epoch's own record comes first, and one change after the other.
  bool has_begun = high_watermark_ > leadership_.epoch_start;
  bool is_settled = log_.voters.latest_offset() < high_watermark_;
  if (has_begun && is_settled) return false;
  answer_change(id, ErrorCode::kRequestTimedOut,
                has_begun ? "another change of the voters is not committed yet"
                          : "the leader's epoch has only begun",
                out);
  return true;
}

bool Raft::is_caught_up(const ReplicaKey& key, Now now) const {
  auto found = leadership_.replicas.find(key);
  return found != leadership_.replicas.end() && found->second.caught_up &&
         *found->second.caught_up + timeouts_.fetch > now;
}

void Raft::on(const AddVoterRequest& request, uint64_t id, Now now, Outputs& out) {
  if (refuse_change(id, out)) return;
  const Voter& voter = request.voter;
  if (!is_usable(voter)) return answer_change(id, ErrorCode::kInvalidRequest, kNotUsable, out);
  if (log_.voters.latest().find(voter.key.id) != nullptr)
    return answer_change(
        id, ErrorCode::kDuplicateVoter,
        fmt::format("node {} is a voter already; of a disk that is lost, remove it first",
                    voter.key.id),
        out);
  if (!is_caught_up(voter.key, now))
    return answer_change(id, ErrorCode::kRequestTimedOut,
                         fmt::format("node {} with directory {} has not caught up with the leader",
                                     voter.key.id, voter.key.directory.to_string()),
                         out);
  int64_t offset = change_voters(log_.voters.latest().with(voter), out);
  Now wait = request.timeout.count() > 0 ? Now(request.timeout) : timeouts_.request;
  if (request.ack_when_committed) {
    leadership_.change = Leadership::Change{id, offset, now + wait};
  } else {
    answer_change(id, ErrorCode::kNone, "", out);
  }
  lead(now, out);
}

void Raft::on(const RemoveVoterRequest& request, uint64_t id, Now now, Outputs& out) {
  if (refuse_change(id, out)) return;
  const VoterSet& voters = log_.voters.latest();
  if (!voters.contains(request.voter))
    return answer_change(id, ErrorCode::kVoterNotFound,
                         fmt::format("node {} with directory {} is not a voter", request.voter.id,
                                     request.voter.directory.to_string()),
                         out);
  if (voters.size() == 1)
    return answer_change(id, ErrorCode::kInvalidRequest, "the last voter stays", out);
  int64_t offset = change_voters(voters.without(request.voter.id), out);
  leadership_.change = Leadership::Change{id, offset, now + timeouts_.request};
  lead(now, out);
}

void Raft::on(const UpdateVoterRequest& request, uint64_t id, Now, Outputs& out) {
  if (auto error = refuse_fetch(request.epoch)) return answer_change(id, *error, "", out);
  const VoterSet& voters = log_.voters.latest();
  if (!voters.contains(request.voter.key))
    return answer_change(id, ErrorCode::kVoterNotFound,
                         fmt::format("node {} with directory {} is not a voter",
                                     request.voter.key.id, request.voter.key.directory.to_string()),
                         out);
  if (!is_usable(request.voter))
    return answer_change(id, ErrorCode::kInvalidRequest, kNotUsable, out);
  if (*voters.find(request.voter.key.id) == request.voter)
    return answer_change(id, ErrorCode::kNone, "", out);
  if (refuse_change(id, out)) return;
  change_voters(voters.with(request.voter), out);
  // At once, as Kafka does: the commit may need the voter's next fetch, whose answer would wait
  // behind this one on the same connection. If the change is lost, the voter asks again.
  answer_change(id, ErrorCode::kNone, "", out);
}

/// Appends the record, and returns its offset.
int64_t Raft::change_voters(VoterSet voters, Outputs& out) {
  int64_t offset = log_.end_offset;
  log_.voters.add(offset, voters);
  ++log_.end_offset;
  out.emplace_back(AppendVoters{offset, election_.epoch, std::move(voters)});
  out.emplace_back(Flush{});
  answer_waiting(out);
  return offset;
}

/// Who asked does not wait longer than it said; the change itself stays.
void Raft::expire_change(Now now, Outputs& out) {
  if (!leadership_.change || leadership_.change->until > now) return;
  uint64_t id = leadership_.change->id;
  leadership_.change.reset();
  answer_change(id, ErrorCode::kRequestTimedOut, "the change is not committed yet", out);
}

/// The high watermark has moved.
void Raft::finish_change(Now now, Outputs& out) {
  if (leadership_.change && leadership_.change->offset < high_watermark_) {
    uint64_t id = leadership_.change->id;
    leadership_.change.reset();
    answer_change(id, ErrorCode::kNone, "", out);
  }
  // A leader that was removed goes once that is committed.
  if (!is_voter() && log_.voters.latest_offset() < high_watermark_) return resign(now, out);
  correct_own_record(now, out);
}

bool Raft::is_recorded_wrongly() const {
  const Voter* recorded = log_.voters.latest().find(self_.key.id);
  return is_voter() && !self_.endpoints.empty() && *recorded != self_;
}

/// Endpoints and versions change from one run to the next; the VotersRecord follows.
void Raft::correct_own_record(Now now, Outputs& out) {
  if (now < next_update_ || !is_recorded_wrongly()) return;
  if (is_leader()) {
    bool has_begun = high_watermark_ > leadership_.epoch_start;
    if (!has_begun || log_.voters.latest_offset() >= high_watermark_) return;
    change_voters(log_.voters.latest().with(self_), out);
  } else if (role_ == Role::kFollower) {
    send(*election_.leader, UpdateVoterRequest{election_.epoch, self_}, now, out);
  }
  next_update_ = now + timeouts_.fetch;
}

}  // namespace longhaul::broker::raft
