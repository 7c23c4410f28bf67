#include "broker/raft/raft.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/assert.h"

namespace longhaul::broker::raft {

const char* role_name(Role role) {
  switch (role) {
    case Role::kUnattached:
      return "unattached";
    case Role::kCandidate:
      return "candidate";
    case Role::kFollower:
      return "follower";
    case Role::kLeader:
      return "leader";
  }
  return "?";
}

Raft::Raft(ReplicaKey self, ElectionState election, LogState log)
    : self_(std::move(self)),
      election_(std::move(election)),
      log_(std::move(log)),
      synced_(log_.end_offset) {
  // A quorum-state that was lost with its vote must not lead back below what the log has seen.
  if (election_.epoch < log_.epochs.last()) election_ = ElectionState{log_.epochs.last(), {}, {}};
}

Outputs Raft::start(Now now) {
  Outputs out;
  // Whoever led before: this process begins anew, and a leader never resumes its own epoch.
  election_.leader.reset();
  if (log_.voters.latest().is_only(self_)) {
    become_candidate(now, out);
    become_leader(out);
  } else {
    announce(out);
  }
  return out;
}

void Raft::become_candidate(Now, Outputs& out) {
  ++election_.epoch;
  election_.leader.reset();
  election_.voted = self_;
  role_ = Role::kCandidate;
  persist(out);
}

void Raft::become_leader(Outputs& out) {
  role_ = Role::kLeader;
  election_.leader = self_.id;
  election_.voted.reset();
  leadership_ = Leadership{log_.end_offset, {}};
  const VoterSet& voters = log_.voters.latest();
  AppendControl control{log_.end_offset, election_.epoch, self_.id, {}, {self_.id}, {}};
  for (const auto& [id, voter] : voters.all()) {
    control.voters.push_back(id);
    leadership_.durable[id] = 0;
  }
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
}

Outputs Raft::appended(int32_t records) {
  LH_ASSERT(is_leader() && records > 0, "only a leader appends records of its own");
  log_.end_offset += records;
  return {Flush{}};
}

Outputs Raft::synced(int64_t end_offset) {
  LH_ASSERT(end_offset <= log_.end_offset, "nothing beyond the end can be durable");
  Outputs out;
  if (end_offset <= synced_) return out;
  synced_ = end_offset;
  if (!is_leader()) return out;
  if (log_.voters.latest().contains(self_)) leadership_.durable[self_.id] = synced_;
  advance_high_watermark(out);
  return out;
}

void Raft::log_start_moved(int64_t start_offset) {
  LH_ASSERT(start_offset <= high_watermark_, "only committed records are cleaned");
  log_.start_offset = std::max(log_.start_offset, start_offset);
  log_.epochs.truncate_start(log_.start_offset);
}

void Raft::advance_high_watermark(Outputs& out) {
  const VoterSet& voters = log_.voters.latest();
  std::vector<int64_t> durable;
  for (const auto& [id, voter] : voters.all()) durable.push_back(leadership_.durable[id]);
  if (durable.empty()) return;
  auto decisive = durable.begin() + static_cast<ptrdiff_t>(voters.majority() - 1);
  std::nth_element(durable.begin(), decisive, durable.end(), std::greater<>());
  // Records of older epochs commit only together with one of the leader's own (Raft, 5.4.2).
  if (*decisive <= leadership_.epoch_start || *decisive <= high_watermark_) return;
  high_watermark_ = *decisive;
  out.emplace_back(HighWatermark{high_watermark_});
}

void Raft::persist(Outputs& out) {
  // Nothing was sent since the last one: it need not be written on its own.
  if (!out.empty() && std::holds_alternative<PersistElection>(out.back())) out.pop_back();
  out.emplace_back(PersistElection{election_});
}

void Raft::announce(Outputs& out) {
  out.emplace_back(RoleChange{role_, election_.epoch, election_.leader,
                              is_leader() ? leadership_.epoch_start : -1});
}

}  // namespace longhaul::broker::raft
