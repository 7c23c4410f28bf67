// What all roles share.
#include "broker/raft/raft.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace longhaul::broker::raft {

const char* role_name(Role role) {
  switch (role) {
    case Role::kUnattached:
      return "unattached";
    case Role::kProspective:
      return "prospective";
    case Role::kCandidate:
      return "candidate";
    case Role::kFollower:
      return "follower";
    case Role::kLeader:
      return "leader";
    case Role::kResigned:
      return "resigned";
  }
  return "?";
}

Raft::Raft(Voter self, ElectionState election, LogState log, base::Random& random,
           Timeouts timeouts)
    : self_(std::move(self)),
      election_(std::move(election)),
      log_(std::move(log)),
      random_(random),
      timeouts_(timeouts),
      synced_(log_.end_offset) {
  // A quorum-state that was lost with its vote must not lead back below what the log has seen.
  if (election_.epoch < log_.epochs.last()) election_ = ElectionState{log_.epochs.last(), {}, {}};
}

Outputs Raft::start(Now now) {
  Outputs out;
  if (log_.voters.latest().is_only(self_.key)) {
    become_candidate(now, out);
  } else if (election_.leader == self_.key.id) {
    // It led this epoch in another life, and must neither vote in it nor go on leading.
    role_ = Role::kResigned;
    deadline_ = random_after(now, timeouts_.election);
    announce(out);
  } else if (election_.leader) {
    become_follower(election_.epoch, *election_.leader, now, out);
  } else {
    become_unattached(election_.epoch, now, out);
  }
  return out;
}

std::optional<Raft::Now> Raft::next_tick() const {
  std::optional<Now> next = deadline_;
  auto consider = [&](Now when) { next = next ? std::min(*next, when) : when; };
  if (next_fetch_) consider(*next_fetch_);
  for (const auto& [id, sent] : outstanding_) consider(sent.until);
  for (const auto& waiting : leadership_.fetches) consider(waiting.until);
  if (leadership_.change) consider(leadership_.change->until);
  return next;
}

Outputs Raft::tick(Now now) {
  Outputs out;
  std::vector<uint64_t> late;
  for (const auto& [id, sent] : outstanding_) {
    if (sent.until <= now) late.push_back(id);
  }
  for (uint64_t id : late) failed(id, /*is_passing=*/true, now);
  if (is_leader()) lead(now, out);
  if (next_fetch_ && *next_fetch_ <= now) fetch(now, out);
  if (!is_leader() && deadline_ && *deadline_ <= now) role_timed_out(now, out);
  return out;
}

void Raft::role_timed_out(Now now, Outputs& out) {
  // Where no majority answers, the voters may be others by now: ask around, as an observer does.
  bool is_cut_off =
      role_ == Role::kProspective &&
      ballot_.granted.size() + ballot_.rejected.size() < log_.voters.latest().majority();
  if (may_campaign() && !is_cut_off) return become_prospective(now, out);
  if (role_ != Role::kUnattached) return become_unattached(election_.epoch, now, out);
  deadline_ = random_after(now, timeouts_.election);
  fetch(now, out);
}

void Raft::become_unattached(int32_t epoch, Now now, Outputs& out) {
  LH_ASSERT(epoch >= election_.epoch, "epochs only grow");
  bool is_newer = epoch > election_.epoch;
  drop_leadership(out);
  // Within an epoch the vote stays, and so does the knowledge that it has a leader.
  if (is_newer) {
    election_ = ElectionState{epoch, {}, {}};
    leader_resigned_ = false;
  }
  role_ = Role::kUnattached;
  forget_conversations();
  deadline_ = random_after(now, timeouts_.election);
  if (is_newer) persist(out);
  announce(out);
  fetch(now, out);
}

/// Follows what an answer tells of epoch and leader. True if that changed the role.
bool Raft::learn(const Standing& other, Now now, Outputs& out) {
  if (other.epoch < election_.epoch || is_too_far(other.epoch)) return false;
  bool is_newer = other.epoch > election_.epoch;
  if (other.leader && *other.leader != self_.key.id && !is_rival(other.epoch, *other.leader)) {
    // Who campaigns knows the leader it has lost: to hear of that one again is no news.
    bool is_known = !is_newer && role_ != Role::kUnattached && election_.leader;
    if (is_known || (!is_newer && is_gone(*other.leader, now))) return false;
    become_follower(other.epoch, *other.leader, now, out);
    return true;
  }
  if (is_newer) become_unattached(other.epoch, now, out);
  return is_newer;
}

Outputs Raft::receive(const Request& request, uint64_t id, Now now) {
  Outputs out;
  std::visit([&](const auto& known) { on(known, id, now, out); }, request);
  return out;
}

Outputs Raft::answered(uint64_t id, const Response& response, Now now) {
  Outputs out;
  auto sent = take_outstanding(id);
  if (!sent) return out;
  if (const auto* vote = std::get_if<VoteResponse>(&response)) {
    on_answer(std::get<VoteRequest>(sent->request), *vote, sent->to, now, out);
  } else if (const auto* fetched = std::get_if<FetchResponse>(&response)) {
    on_answer(*fetched, now, out);
  } else if (const auto* bytes = std::get_if<FetchSnapshotResponse>(&response)) {
    on_answer(*bytes, now, out);
  } else if (const auto* heard = std::get_if<QuorumEpochResponse>(&response)) {
    learn(heard->standing, now, out);
  } else if (const auto* changed = std::get_if<VoterChangeResponse>(&response)) {
    learn(changed->standing, now, out);
  }
  return out;
}

void Raft::failed(uint64_t id, bool is_passing, Now now) {
  auto sent = take_outstanding(id);
  if (!sent) return;
  bool was_fetch = std::holds_alternative<FetchRequest>(sent->request) ||
                   std::holds_alternative<FetchSnapshotRequest>(sent->request);
  if (!was_fetch) return;
  fetching_ = false;
  back_off(is_passing, now);
}

void Raft::back_off(bool is_passing, Now now) {
  bool is_soon = is_passing && role_ == Role::kFollower;
  next_fetch_ = now + (is_soon ? timeouts_.retry : timeouts_.max_wait);
}

std::optional<Raft::Outstanding> Raft::take_outstanding(uint64_t id) {
  auto found = outstanding_.find(id);
  if (found == outstanding_.end()) return std::nullopt;
  Outstanding sent = std::move(found->second);
  outstanding_.erase(found);
  return sent;
}

/// Answers to what an earlier role asked count no longer.
void Raft::forget_conversations() {
  outstanding_.clear();
  ballot_ = {};
  next_fetch_.reset();
  download_.reset();
  fetching_ = fetched_in_epoch_ = false;
  leader_high_watermark_ = -1;
}

void Raft::send(int32_t to, Request request, Now now, Outputs& out) {
  uint64_t id = next_id_++;
  outstanding_[id] = {to, request, now + timeouts_.request};
  out.emplace_back(Send{to, id, std::move(request)});
}

Outputs Raft::synced(int64_t end_offset, Now now) {
  LH_ASSERT(end_offset <= log_.end_offset, "nothing beyond the end can be durable");
  Outputs out;
  if (end_offset <= synced_) return out;
  synced_ = end_offset;
  if (is_leader()) {
    advance_high_watermark(now, out);
  } else {
    follow_high_watermark(out);
    if (!next_fetch_) fetch(now, out);
  }
  return out;
}

void Raft::snapshot_written(OffsetAndEpoch snapshot) {
  log_.snapshot = std::max(log_.snapshot, snapshot);
  // What it holds is committed: nothing is cut off before its end, and the next one ends later.
  log_.voters.forget_before(log_.snapshot.offset);
}

void Raft::log_start_moved(int64_t start_offset) {
  LH_ASSERT(start_offset <= log_.end_offset, "only what is in the log is cleaned");
  log_.epochs.truncate_start(start_offset);
}

std::optional<int32_t> Raft::leader() const {
  bool was_me = election_.leader == self_.key.id && !is_leader();
  return was_me ? std::nullopt : election_.leader;
}

bool Raft::is_me(const ReplicaKey& key) const {
  return (key.id < 0 || key.id == self_.key.id) &&
         (key.directory.is_zero() || key.directory == self_.key.directory);
}

/// True if `epoch` is known to have another leader: no epoch has two.
bool Raft::is_rival(int32_t epoch, int32_t leader) const {
  return epoch == election_.epoch && election_.leader && *election_.leader != leader;
}

/// Who knows of no epoch yet, and does not vote, joins a quorum of any age.
bool Raft::is_too_far(int32_t epoch) const {
  bool is_new = election_.epoch == 0 && !is_voter();
  return epoch > kLastEpoch || (!is_new && int64_t{epoch} - election_.epoch > kFarthestEpoch);
}

Standing Raft::standing(ErrorCode error) const { return {error, election_.epoch, leader()}; }

void Raft::persist(Outputs& out) {
  // Nothing was sent since the last one: it need not be written on its own.
  if (!out.empty() && std::holds_alternative<PersistElection>(out.back())) out.pop_back();
  out.emplace_back(PersistElection{election_});
}

void Raft::announce(Outputs& out) {
  out.emplace_back(
      RoleChange{role_, election_.epoch, leader(), is_leader() ? leadership_.epoch_start : -1});
}

Raft::Now Raft::random_after(Now now, Timeouts::Duration least) {
  return now + least + random_within(least);
}

Timeouts::Duration Raft::random_within(Timeouts::Duration most) {
  return Now(static_cast<int64_t>(random_.below(static_cast<uint64_t>(most.count()) + 1)));
}

}  // namespace longhaul::broker::raft
