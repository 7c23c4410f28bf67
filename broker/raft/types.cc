#include "broker/raft/types.h"

#include <utility>

#include "base/assert.h"

namespace longhaul::broker::raft {

base::Uuid metadata_topic_id() {
  base::Uuid id;
  id.bytes[15] = 1;
  return id;
}

VoterSet::VoterSet(const std::vector<Voter>& voters) {
  for (const Voter& voter : voters) voters_[voter.key.id] = voter;
}

const Voter* VoterSet::find(int32_t id) const {
  auto found = voters_.find(id);
  return found == voters_.end() ? nullptr : &found->second;
}

bool VoterSet::contains(const ReplicaKey& key) const {
  const Voter* voter = find(key.id);
  return voter != nullptr && voter->key == key;
}

VoterSet VoterSet::with(Voter voter) const {
  VoterSet changed = *this;
  int32_t id = voter.key.id;
  changed.voters_[id] = std::move(voter);
  return changed;
}

VoterSet VoterSet::without(int32_t id) const {
  VoterSet changed = *this;
  changed.voters_.erase(id);
  return changed;
}

void VoterHistory::reset(int64_t offset, VoterSet voters) {
  sets_.clear();
  sets_.emplace(offset, std::move(voters));
}

void VoterHistory::add(int64_t offset, VoterSet voters) {
  LH_ASSERT(sets_.empty() || offset > sets_.rbegin()->first, "voter sets come in log order");
  sets_.emplace(offset, std::move(voters));
}

void VoterHistory::forget_before(int64_t offset) {
  auto next = sets_.lower_bound(offset);
  if (next != sets_.begin()) sets_.erase(sets_.begin(), std::prev(next));
}

void VoterHistory::truncate(int64_t end_offset) {
  // A set that a snapshot gave stays: it lies below the snapshot's end, and the log is never cut
  // there.
  sets_.erase(sets_.lower_bound(end_offset), sets_.end());
}

const VoterSet& VoterHistory::latest() const {
  static const VoterSet kNone;
  return sets_.empty() ? kNone : sets_.rbegin()->second;
}

const VoterSet& VoterHistory::before(int64_t offset) const {
  static const VoterSet kNone;
  auto next = sets_.lower_bound(offset);
  return next == sets_.begin() ? kNone : std::prev(next)->second;
}

int64_t VoterHistory::latest_offset() const { return sets_.empty() ? -1 : sets_.rbegin()->first; }

void EpochTable::assign(int32_t epoch, int64_t start_offset) {
  if (starts_.empty() || epoch > last()) starts_.emplace(epoch, start_offset);
}

void EpochTable::truncate_end(int64_t end_offset) {
  while (!starts_.empty() && starts_.rbegin()->second >= end_offset)
    starts_.erase(std::prev(starts_.end()));
}

void EpochTable::truncate_start(int64_t start_offset) {
  if (start_offset <= origin_.offset) return;
  origin_ = {start_offset, epoch_before(start_offset)};
  while (starts_.size() > 1 && std::next(starts_.begin())->second <= start_offset)
    starts_.erase(starts_.begin());
  if (!starts_.empty() && starts_.begin()->second < start_offset)
    starts_.begin()->second = start_offset;
}

OffsetAndEpoch EpochTable::end_of(int32_t epoch, int64_t log_end) const {
  auto next = starts_.upper_bound(epoch);
  int64_t end = next == starts_.end() ? log_end : next->second;
  return {end, next == starts_.begin() ? origin_.epoch : std::prev(next)->first};
}

int32_t EpochTable::epoch_before(int64_t offset) const {
  int32_t epoch = origin_.epoch;
  for (const auto& [candidate, start] : starts_) {
    if (start >= offset) break;
    epoch = candidate;
  }
  return epoch;
}

}  // namespace longhaul::broker::raft
