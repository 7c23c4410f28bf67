// The leader: it appends, knows what is committed, and steps down when nobody follows.
#include <algorithm>
#include <functional>
#include <utility>

#include "base/assert.h"
#include "broker/raft/raft.h"

namespace longhaul::broker::raft {

void Raft::become_leader(Now now, Outputs& out) {
  role_ = Role::kLeader;
  election_.leader = self_.key.id;
  election_.voted.reset();
  std::set<int32_t> granted = ballot_.granted;
  forget_conversations();
  leadership_ = Leadership{log_.end_offset, now, {}, {}, {}};
  const VoterSet& voters = log_.voters.latest();
  AppendControl control{log_.end_offset, election_.epoch, self_.key.id, {}, {}, {}};
  control.granting_voters.assign(granted.begin(), granted.end());
  for (const auto& [id, voter] : voters.all()) control.voters.push_back(id);
  // Voters that only the founding snapshot names are written to the log itself.
  if (log_.voters.latest_offset() < 0) {
    control.bootstrap_voters = voters;
    log_.voters.add(log_.end_offset + 2, voters);
  }
  log_.epochs.assign(election_.epoch, log_.end_offset);
  log_.end_offset += control.record_count();
  persist(out);
  announce(out);
  out.emplace_back(std::move(control));
  out.emplace_back(Flush{});
  lead(now, out);
}

/// What a leader does from time to time.
void Raft::lead(Now now, Outputs& out) {
  // Cut off from the majority, somebody else may lead already (check-quorum).
  if (!hears_majority(now)) return resign(now, out);
  begin_epoch(now, out);
  answer_expired(now, out);
  expire_change(now, out);
  std::erase_if(leadership_.replicas, [&](const auto& entry) {
    const auto& [key, progress] = entry;
    return !log_.voters.latest().contains(key) &&
           progress.last_fetch.value_or(leadership_.since) + timeouts_.observer <= now;
  });
  correct_own_record(now, out);
  deadline_.reset();
  bool is_alone = log_.voters.latest().is_only(self_.key) && leadership_.replicas.empty();
  if (!is_alone) deadline_ = now + timeouts_.fetch / 4;
}

bool Raft::hears_majority(Now now) const {
  Timeouts::Duration patience = timeouts_.fetch + timeouts_.fetch / 2;
  const VoterSet& voters = log_.voters.latest();
  size_t heard = 0;
  for (const auto& [id, voter] : voters.all()) {
    auto found = leadership_.replicas.find(voter.key);
    Now last = leadership_.since;
    if (found != leadership_.replicas.end()) last = found->second.last_fetch.value_or(last);
    if (voter.key == self_.key || last + patience > now) ++heard;
  }
  return heard >= voters.majority();
}

/// Tells voters that do not fetch, at first and again and again, who leads.
void Raft::begin_epoch(Now now, Outputs& out) {
  for (const auto& [id, voter] : log_.voters.latest().all()) {
    if (id == self_.key.id) continue;
    Progress& progress = leadership_.replicas[voter.key];
    auto is_recent = [&](std::optional<Now> when) {
      return when && *when + timeouts_.fetch / 2 > now;
    };
    if (progress.last_begin && (is_recent(progress.last_begin) || is_recent(progress.last_fetch)))
      continue;
    progress.last_begin = now;
    send(id, BeginQuorumEpochRequest{election_.epoch, self_.key.id, voter.key}, now, out);
  }
}

Outputs Raft::appended(int32_t records) {
  LH_ASSERT(is_leader() && records > 0, "only a leader appends records of its own");
  log_.end_offset += records;
  Outputs out{Flush{}};
  answer_waiting(out);
  return out;
}

void Raft::advance_high_watermark(Now now, Outputs& out) {
  const VoterSet& voters = log_.voters.latest();
  std::vector<int64_t> durable;
  for (const auto& [id, voter] : voters.all()) {
    auto found = leadership_.replicas.find(voter.key);
    int64_t theirs = found == leadership_.replicas.end() ? 0 : found->second.durable;
    durable.push_back(voter.key == self_.key ? synced_ : theirs);
  }
  if (durable.empty()) return;
  auto decisive = durable.begin() + static_cast<ptrdiff_t>(voters.majority() - 1);
  std::nth_element(durable.begin(), decisive, durable.end(), std::greater<>());
  // Records of older epochs commit only together with one of the leader's own (Raft, 5.4.2).
  if (*decisive <= leadership_.epoch_start || *decisive <= high_watermark_) return;
  high_watermark_ = *decisive;
  out.emplace_back(HighWatermark{high_watermark_});
  answer_waiting(out);
  finish_change(now, out);
}

void Raft::drop_leadership(Outputs& out) {
  Leadership dropped = std::exchange(leadership_, {});
  Standing refused = standing(ErrorCode::kNotLeaderOrFollower);
  refused.leader.reset();
  for (const auto& waiting : dropped.fetches)
    out.emplace_back(Reply{waiting.id, FetchResponse{refused}, {}});
  if (!dropped.change) return;
  std::string why = "the leader stepped down before the change was committed";
  out.emplace_back(Reply{dropped.change->id, VoterChangeResponse{refused, std::move(why)}, {}});
}

Outputs Raft::resign(Now now) {
  Outputs out;
  if (is_leader()) resign(now, out);
  return out;
}

void Raft::resign(Now now, Outputs& out) {
  std::vector<std::pair<int64_t, ReplicaKey>> successors;
  for (const auto& [id, voter] : log_.voters.latest().all()) {
    if (id != self_.key.id)
      successors.emplace_back(-leadership_.replicas[voter.key].durable, voter.key);
  }
  std::sort(successors.begin(), successors.end());
  EndQuorumEpochRequest request{election_.epoch, self_.key.id, {}};
  for (const auto& [durable, key] : successors) request.preferred.push_back(key);
  role_ = Role::kResigned;
  drop_leadership(out);
  forget_conversations();
  deadline_ = random_after(now, timeouts_.election);
  announce(out);
  for (const auto& [durable, key] : successors) send(key.id, request, now, out);
}

}  // namespace longhaul::broker::raft
