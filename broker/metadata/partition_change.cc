#include "broker/metadata/partition_change.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace longhaul::broker::metadata {

bool holds(const std::vector<int32_t>& list, int32_t id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

std::vector<int32_t> without(const std::vector<int32_t>& list, const std::vector<int32_t>& other) {
  std::vector<int32_t> rest;
  std::copy_if(list.begin(), list.end(), std::back_inserter(rest),
               [&](int32_t id) { return !holds(other, id); });
  return rest;
}

PartitionTarget PartitionTarget::of(const Partition& partition) {
  return {partition.replicas, partition.isr,         partition.removing,
          partition.adding,   partition.directories, partition.leader_recovery_state};
}

namespace {

using protocol::PartitionChangeRecord;

/// One change while it is being made: `target_` becomes what is, step by step.
class PartitionChange {
 public:
  PartitionChange(const Partition& partition, PartitionTarget target, const PartitionRules& rules)
      : partition_(partition), rules_(rules), target_(std::move(target)) {}

  PartitionChangeRecord make();

 private:
  struct Elected {
    int32_t leader = kNoLeader;
    bool unclean = false;
  };

  /// An ISR of this many needs no eligible replicas beside it.
  size_t enough() const {
    return std::min(static_cast<size_t>(rules_.min_insync_replicas), target_.replicas.size());
  }
  void complete_reassignment();
  void update_elr();
  Elected elect() const;
  bool is_clean_leader(int32_t id) const;
  void lead(Elected elected);
  void remember_last_leader();
  void fill(PartitionChangeRecord& record) const;
  std::vector<base::Uuid> directories() const;

  const Partition& partition_;
  const PartitionRules& rules_;
  PartitionTarget target_;
  std::vector<int32_t> elr_, last_known_elr_;
  int32_t leader_ = kLeaderUnchanged;
};

/// All that stay are in sync, and one of them is there to lead: what was to be removed goes. Not
/// sooner: until then those have what one that stays may lack.
void PartitionChange::complete_reassignment() {
  if (target_.removing.empty() && target_.adding.empty()) return;
  auto stay = without(target_.replicas, target_.removing);
  bool all_in_sync = without(stay, target_.isr).empty();
  if (!all_in_sync || std::none_of(stay.begin(), stay.end(), rules_.may_lead)) return;
  target_.isr = without(target_.isr, target_.removing);
  target_.replicas = std::move(stay);
  target_.removing.clear();
  target_.adding.clear();
}

/// Whoever leaves the ISR while it is below min.insync.replicas still has all that was ever
/// acknowledged.
void PartitionChange::update_elr() {
  if (!rules_.elr) return;
  last_known_elr_ = without(partition_.last_known_elr, {target_.begun_anew});
  if (target_.isr.size() >= enough()) return;
  for (const auto* members : {&partition_.elr, &partition_.isr}) {
    for (int32_t id : *members) {
      bool eligible = !holds(target_.isr, id) && !holds(elr_, id) && !rules_.lost(id) &&
                      holds(target_.replicas, id);
      if (eligible) elr_.push_back(id);
    }
  }
}

bool PartitionChange::is_clean_leader(int32_t id) const {
  bool has_all = holds(target_.isr, id) || (target_.isr.empty() && holds(elr_, id));
  return has_all && holds(target_.replicas, id) && rules_.may_lead(id);
}

PartitionChange::Elected PartitionChange::elect() const {
  auto clean = [this](int32_t id) { return is_clean_leader(id); };
  const auto& replicas = target_.replicas;
  if (rules_.election == Election::kPreferred && !replicas.empty() && clean(replicas.front()))
    return {replicas.front()};
  if (clean(partition_.leader)) return {partition_.leader};
  auto found = std::find_if(replicas.begin(), replicas.end(), clean);
  if (found != replicas.end()) return {*found};
  // Nobody has everything for certain; the last leader has the most (KIP-966's balanced recovery).
  bool none_eligible = rules_.elr && target_.isr.empty() && elr_.empty();
  if (none_eligible && last_known_elr_.size() == 1 && holds(replicas, last_known_elr_.front()) &&
      rules_.may_lead(last_known_elr_.front()))
    return {last_known_elr_.front(), true};
  if (rules_.election != Election::kUnclean) return {};
  found = std::find_if(replicas.begin(), replicas.end(), rules_.may_lead);
  return found == replicas.end() ? Elected{} : Elected{*found, true};
}

void PartitionChange::lead(Elected elected) {
  if (elected.leader != partition_.leader) leader_ = elected.leader;
  if (elected.unclean) {
    // What the others have beyond the new leader is lost: they start again from its log.
    leader_ = elected.leader;
    target_.isr = {elected.leader};
    target_.leader_recovery_state = kRecovering;
    elr_.clear();
    last_known_elr_.clear();
  } else if (elected.leader != kNoLeader && !holds(target_.isr, elected.leader)) {
    target_.isr = {elected.leader};
    elr_ = enough() <= 1 ? std::vector<int32_t>{} : without(elr_, target_.isr);
  }
}

void PartitionChange::remember_last_leader() {
  if (!rules_.elr) return;
  int32_t leader = leader_ == kLeaderUnchanged ? partition_.leader : leader_;
  if (leader != kNoLeader) {
    last_known_elr_.clear();
  } else if (target_.isr.empty() && partition_.leader != kNoLeader) {
    last_known_elr_ = {partition_.leader};
  }
}

std::vector<base::Uuid> PartitionChange::directories() const {
  std::vector<base::Uuid> result;
  for (int32_t id : target_.replicas) {
    auto at = std::find(partition_.replicas.begin(), partition_.replicas.end(), id);
    auto known = static_cast<size_t>(at - partition_.replicas.begin());
    result.push_back(known < target_.directories.size() ? target_.directories[known]
                                                        : rules_.directory(id));
  }
  return result;
}

/// Only what differs is named.
void PartitionChange::fill(PartitionChangeRecord& record) const {
  auto put = [](auto& field, const auto& now, const auto& before) {
    if (now != before) field = now;
  };
  record.leader = leader_;
  // Without ELR an ISR is never empty.
  if (rules_.elr || !target_.isr.empty()) put(record.isr, target_.isr, partition_.isr);
  put(record.replicas, target_.replicas, partition_.replicas);
  put(record.removing_replicas, target_.removing, partition_.removing);
  put(record.adding_replicas, target_.adding, partition_.adding);
  put(record.directories, directories(), partition_.directories);
  put(record.eligible_leader_replicas, elr_, partition_.elr);
  put(record.last_known_elr, last_known_elr_, partition_.last_known_elr);
  if (target_.leader_recovery_state != partition_.leader_recovery_state)
    record.leader_recovery_state = target_.leader_recovery_state;
}

PartitionChangeRecord PartitionChange::make() {
  complete_reassignment();
  update_elr();
  lead(elect());
  // A replica that is gone must not go on fetching in the old epoch and count as in sync.
  bool shrinks = !without(partition_.replicas, target_.replicas).empty();
  if (leader_ == kLeaderUnchanged && shrinks) leader_ = partition_.leader;
  remember_last_leader();
  PartitionChangeRecord record;
  fill(record);
  return record;
}

}  // namespace

std::optional<PartitionChangeRecord> partition_change(const base::Uuid& topic, int32_t index,
                                                      const Partition& partition,
                                                      PartitionTarget target,
                                                      const PartitionRules& rules) {
  PartitionChangeRecord record = PartitionChange(partition, std::move(target), rules).make();
  if (record == PartitionChangeRecord{}) return std::nullopt;
  record.topic_id = topic;
  record.partition_id = index;
  return record;
}

}  // namespace longhaul::broker::metadata
