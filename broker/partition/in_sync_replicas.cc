#include "broker/partition/in_sync_replicas.h"

#include <algorithm>

namespace longhaul::broker::partition {

void InSyncReplicas::lead(int32_t self, const metadata::Partition& state, int64_t log_end_offset,
                          Now now) {
  self_ = self;
  leader_epoch_ = state.leader_epoch;
  epoch_start_ = log_end_offset;
  followers_.clear();
  partition_epoch_ = -1;
  update(state);
  for (int32_t member : isr_) {
    auto follower = followers_.find(member);
    if (follower != followers_.end()) follower->second.last_caught_up = now;
  }
}

void InSyncReplicas::update(const metadata::Partition& state) {
  if (state.leader_epoch != leader_epoch_ || state.partition_epoch < partition_epoch_) return;
  if (state.partition_epoch > partition_epoch_) pending_.reset();
  partition_epoch_ = state.partition_epoch;
  isr_ = state.isr;
  std::map<int32_t, Follower> replicas;
  for (int32_t id : state.replicas) {
    if (id != self_) replicas[id] = followers_[id];
  }
  followers_ = std::move(replicas);
  count_members();
}

bool InSyncReplicas::decided(const IsrDecision& decision) {
  if (decision.leader_epoch != leader_epoch_ || decision.partition_epoch <= partition_epoch_) {
    return false;
  }
  pending_.reset();
  partition_epoch_ = decision.partition_epoch;
  isr_ = decision.isr;
  count_members();
  return true;
}

void InSyncReplicas::refused(const IsrProposal& proposal) {
  if (proposal.leader_epoch != leader_epoch_ || proposal.partition_epoch != partition_epoch_)
    return;
  pending_.reset();
  count_members();
}

bool InSyncReplicas::fetched(const FollowerFetch& fetch) {
  auto found = followers_.find(fetch.broker_id);
  if (found == followers_.end()) return false;
  Follower& follower = found->second;
  if (fetch.broker_epoch >= 0 && fetch.broker_epoch < follower.broker_epoch) return false;
  if (fetch.offset >= fetch.leader_end_offset) {
    follower.last_caught_up = fetch.now;
  } else if (follower.end_offset >= 0 && fetch.offset >= follower.leader_end_at_last_fetch) {
    // It has all that there was when it fetched before: one that keeps pace under load never has
    // more.
    follower.last_caught_up =
        std::max(follower.last_caught_up.value_or(Now{}), follower.last_fetch);
  }
  follower.end_offset = fetch.offset;
  follower.log_start_offset = fetch.log_start_offset;
  follower.broker_epoch = fetch.broker_epoch;
  follower.leader_end_at_last_fetch = fetch.leader_end_offset;
  follower.last_fetch = fetch.now;
  return true;
}

bool InSyncReplicas::is_member(int32_t broker_id) const {
  return std::find(isr_.begin(), isr_.end(), broker_id) != isr_.end();
}

/// Members, and while a change is under way those who would be some by it.
void InSyncReplicas::count_members() {
  auto holds = [](const std::vector<int32_t>& ids, int32_t id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  for (auto& [id, follower] : followers_)
    follower.counts = holds(isr_, id) || (pending_ && holds(*pending_, id));
}

bool InSyncReplicas::lags(const Follower& follower, int64_t log_end_offset, Now now,
                          Now max_lag) const {
  if (follower.end_offset == log_end_offset) return false;
  return !follower.last_caught_up || now - *follower.last_caught_up > max_lag;
}

int64_t InSyncReplicas::committed_below(int64_t log_end_offset, Now now, Now max_lag,
                                        const Eligibility& eligible) const {
  int64_t lowest = log_end_offset;
  for (const auto& [id, follower] : followers_) {
    // One that keeps pace but is not back in the ISR yet is waited for: it could never catch up
    // with a high watermark that runs ahead of it.
    bool returning = !follower.counts && follower.end_offset >= 0 &&
                     !lags(follower, log_end_offset, now, max_lag) && eligible.epoch_of(id);
    if (follower.counts || returning) lowest = std::min(lowest, follower.end_offset);
  }
  return lowest;
}

int64_t InSyncReplicas::lowest_start_offset(int64_t own, const Eligibility& alive) const {
  int64_t lowest = own;
  for (const auto& [id, follower] : followers_) {
    if (alive.epoch_of(id)) lowest = std::min(lowest, follower.log_start_offset);
  }
  return lowest;
}

std::optional<int32_t> InSyncReplicas::nearest(int64_t offset, const IsNear& is_near) const {
  std::optional<int32_t> best;
  int64_t most = -1;
  for (const auto& [id, follower] : followers_) {
    bool has_it = follower.log_start_offset >= 0 && follower.log_start_offset <= offset &&
                  follower.end_offset >= offset;
    if (!has_it || follower.end_offset <= most || !is_member(id) || !is_near(id)) continue;
    best = id;
    most = follower.end_offset;
  }
  return best;
}

std::optional<IsrProposal> InSyncReplicas::propose_joining(int32_t broker_id,
                                                           int64_t high_watermark,
                                                           const Eligibility& eligible) {
  auto found = followers_.find(broker_id);
  if (pending_ || found == followers_.end() || is_member(broker_id)) return std::nullopt;
  const Follower& follower = found->second;
  if (follower.end_offset < std::max(high_watermark, epoch_start_)) return std::nullopt;
  auto epoch = eligible.epoch_of(broker_id);
  // A fetch of an earlier run of that broker says nothing about the log it has now (KIP-903).
  if (!epoch || (follower.broker_epoch >= 0 && follower.broker_epoch != *epoch))
    return std::nullopt;
  std::vector<int32_t> wanted = isr_;
  wanted.push_back(broker_id);
  return propose(wanted, eligible);
}

std::optional<IsrProposal> InSyncReplicas::propose_leaving(int64_t log_end_offset, Now now,
                                                           Now max_lag,
                                                           const Eligibility& eligible) {
  if (pending_) return std::nullopt;
  std::vector<int32_t> wanted;
  for (int32_t id : isr_) {
    auto follower = followers_.find(id);
    bool leaves =
        follower != followers_.end() && lags(follower->second, log_end_offset, now, max_lag);
    if (!leaves) wanted.push_back(id);
  }
  if (wanted.size() == isr_.size()) return std::nullopt;
  return propose(wanted, eligible);
}

std::optional<IsrProposal> InSyncReplicas::propose_stepping_down(size_t least,
                                                                 const Eligibility& eligible) {
  std::vector<int32_t> wanted;
  for (int32_t id : isr_) {
    if (id != self_ && eligible.epoch_of(id)) wanted.push_back(id);
  }
  if (pending_ || wanted.empty() || wanted.size() < least) return std::nullopt;
  return propose(wanted, eligible);
}

std::optional<IsrProposal> InSyncReplicas::propose(const std::vector<int32_t>& isr,
                                                   const Eligibility& eligible) {
  IsrProposal proposal{.leader_epoch = leader_epoch_, .partition_epoch = partition_epoch_};
  for (int32_t id : isr) {
    proposal.isr.push_back({id, eligible.epoch_of(id).value_or(-1)});
  }
  pending_ = isr;
  count_members();
  return proposal;
}

}  // namespace longhaul::broker::partition
