// Prospective and candidate, and everybody's vote.
#include <utility>

#include "base/assert.h"
#include "broker/raft/raft.h"

namespace longhaul::broker::raft {

/// A voter may, and one that would be if the last change of the voters were taken back: as long as
/// that is not committed, nobody else may have the log that the others need.
bool Raft::may_campaign() const {
  if (is_voter()) return true;
  int64_t last_change = log_.voters.latest_offset();
  return last_change >= high_watermark_ && log_.voters.before(last_change).contains(self_.key);
}

void Raft::become_prospective(Now now, Outputs& out) {
  role_ = Role::kProspective;
  forget_conversations();
  // Of a resignation the others may hear a little later, and refuse until then.
  Timeouts::Duration soon = timeouts_.election / 4;
  deadline_ = leader_resigned_ ? random_after(now, soon) : random_after(now, timeouts_.election);
  announce(out);
  ask_for_votes(/*pre_vote=*/true, now, out);
}

void Raft::become_candidate(Now now, Outputs& out) {
  LH_ASSERT(election_.epoch < kLastEpoch, "this quorum has used up its epochs");
  election_ = ElectionState{election_.epoch + 1, {}, self_.key};
  leader_resigned_ = false;
  role_ = Role::kCandidate;
  forget_conversations();
  deadline_ = random_after(now, timeouts_.election);
  persist(out);
  if (!log_.voters.latest().is_only(self_.key)) announce(out);
  ask_for_votes(/*pre_vote=*/false, now, out);
}

void Raft::ask_for_votes(bool pre_vote, Now now, Outputs& out) {
  if (is_voter()) ballot_.granted.insert(self_.key.id);
  for (const auto& [id, voter] : log_.voters.latest().all()) {
    if (id == self_.key.id) continue;
    send(id, VoteRequest{election_.epoch, self_.key, voter.key, log_end(), pre_vote}, now, out);
  }
  count_votes(now, out);
}

void Raft::count_votes(Now now, Outputs& out) {
  size_t voters = log_.voters.latest().size();
  size_t majority = log_.voters.latest().majority();
  if (ballot_.granted.size() >= majority)
    return role_ == Role::kProspective ? become_candidate(now, out) : become_leader(now, out);
  if (voters - ballot_.rejected.size() < majority) lose_election(now, out);
}

/// The majority may well hear from the leader: back to it. Otherwise wait a little before the next
/// attempt, so that somebody else may win.
void Raft::lose_election(Now now, Outputs& out) {
  if (role_ == Role::kProspective && leader() && !leader_resigned_)
    return become_follower(election_.epoch, *leader(), now, out);
  Timeouts::Duration most = leader_resigned_ ? 2 * timeouts_.retry : timeouts_.backoff;
  deadline_ = now + timeouts_.retry + random_within(most);
}

bool Raft::would_grant(const VoteRequest& request) const {
  OffsetAndEpoch mine = log_end();
  bool is_up_to_date = request.log_end.epoch != mine.epoch ? request.log_end.epoch > mine.epoch
                                                           : request.log_end.offset >= mine.offset;
  if (!is_up_to_date) return false;
  // Who hears from a leader does not help to unseat it.
  if (request.pre_vote) return !is_leader() && !(role_ == Role::kFollower && fetched_in_epoch_);
  if (election_.leader) return false;
  return !election_.voted || *election_.voted == request.candidate;
}

void Raft::on(const VoteRequest& request, uint64_t id, Now now, Outputs& out) {
  auto answer = [&](ErrorCode error, bool granted) {
    out.emplace_back(Reply{id, VoteResponse{standing(error), granted}, {}});
  };
  // Perhaps meant for the disk that this node had before: that one's vote is gone with it.
  if (!is_me(request.voter)) return answer(ErrorCode::kInvalidVoterKey, false);
  if (request.epoch < election_.epoch) return answer(ErrorCode::kFencedLeaderEpoch, false);
  if (is_too_far(request.epoch)) return answer(ErrorCode::kInvalidRequest, false);
  if (request.epoch > election_.epoch) become_unattached(request.epoch, now, out);
  bool granted = would_grant(request);
  if (granted && !request.pre_vote && !election_.voted) {
    election_.voted = request.candidate;
    if (role_ != Role::kUnattached) {
      role_ = Role::kUnattached;
      forget_conversations();
      announce(out);
    }
    deadline_ = random_after(now, timeouts_.election);
    persist(out);
  }
  answer(ErrorCode::kNone, granted);
}

void Raft::on_answer(const VoteRequest& request, const VoteResponse& response, int32_t from,
                     Now now, Outputs& out) {
  if (learn(response.standing, now, out)) return;
  Role asking = request.pre_vote ? Role::kProspective : Role::kCandidate;
  if (role_ != asking || request.epoch != election_.epoch) return;
  (response.granted ? ballot_.granted : ballot_.rejected).insert(from);
  count_votes(now, out);
}

}  // namespace longhaul::broker::raft
