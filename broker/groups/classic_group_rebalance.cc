// How a classic group gets from one generation to the next.
#include <algorithm>

#include "base/assert.h"
#include "broker/groups/classic_group.h"

namespace longhaul::broker::groups {

using protocol::ErrorCode;
using std::chrono::milliseconds;

void ClassicGroup::maybe_prepare_rebalance(std::string_view reason) {
  if (state_ == GroupState::kStable || state_ == GroupState::kCompletingRebalance ||
      state_ == GroupState::kEmpty) {
    prepare_rebalance(reason);
  }
}

void ClassicGroup::prepare_rebalance(std::string_view reason) {
  context_.log.info("group {}: preparing to rebalance in generation {} ({}), {} members", id_,
                    generation_, reason, members_.size());
  cancel_timer(sync_timer_);
  if (state_ == GroupState::kCompletingRebalance) fail_syncs(ErrorCode::kRebalanceInProgress);
  bool was_empty = state_ == GroupState::kEmpty;
  set_state(GroupState::kPreparingRebalance);
  if (was_empty) return start_initial_delay();
  milliseconds timeout{0};
  for (const auto& [id, member] : members_) timeout = std::max(timeout, member->rebalance_timeout);
  cancel_timer(join_timer_);
  join_timer_ = context_.loop.after(timeout, [this] {
    join_timer_ = 0;
    complete_join();
  });
  maybe_complete_join();
}

// A group that begins waits a little for all its members, so that it does not rebalance for each;
// every newcomer extends that, up to the rebalance timeout (KIP-134).
void ClassicGroup::start_initial_delay() {
  in_initial_delay_ = true;
  joined_in_initial_delay_ = false;
  milliseconds longest{0};
  for (const auto& [id, member] : members_) longest = std::max(longest, member->rebalance_timeout);
  milliseconds delay{context_.config.initial_rebalance_delay_ms};
  initial_delay_left_ = std::max(longest - delay, milliseconds{0});
  join_timer_ = context_.loop.after(delay, [this] { initial_delay_passed(); });
}

void ClassicGroup::initial_delay_passed() {
  join_timer_ = 0;
  if (joined_in_initial_delay_ && initial_delay_left_ > milliseconds{0}) {
    joined_in_initial_delay_ = false;
    milliseconds more =
        std::min(milliseconds{context_.config.initial_rebalance_delay_ms}, initial_delay_left_);
    initial_delay_left_ -= more;
    join_timer_ = context_.loop.after(more, [this] { initial_delay_passed(); });
    return;
  }
  in_initial_delay_ = false;
  complete_join();
}

void ClassicGroup::maybe_complete_join() {
  if (state_ != GroupState::kPreparingRebalance || in_initial_delay_) return;
  if (!pending_members_.empty()) return;
  bool all = std::all_of(members_.begin(), members_.end(),
                         [](const auto& each) { return each.second->awaits_join(); });
  if (all) complete_join();
}

void ClassicGroup::complete_join() {
  cancel_timer(join_timer_);
  drop_members_that_did_not_rejoin();
  bool someone_joined = std::any_of(members_.begin(), members_.end(),
                                    [](const auto& each) { return each.second->awaits_join(); });
  if (!members_.empty() && !someone_joined) {
    // Only static members that keep their places: wait for one of them, or for their sessions.
    milliseconds timeout{0};
    for (const auto& [id, member] : members_) {
      timeout = std::max(timeout, member->rebalance_timeout);
    }
    join_timer_ = context_.loop.after(timeout, [this] {
      join_timer_ = 0;
      complete_join();
    });
    return;
  }
  elect_joined_leader();
  begin_generation();
}

void ClassicGroup::drop_members_that_did_not_rejoin() {
  std::vector<std::string> gone;
  for (const auto& [id, member] : members_) {
    if (!member->awaits_join() && !member->instance_id) gone.push_back(id);
  }
  for (const std::string& id : gone) remove_member(id);
}

void ClassicGroup::elect_joined_leader() {
  Member* leader = leader_ ? find_member(*leader_) : nullptr;
  if (leader && leader->awaits_join()) return;
  for (const auto& [id, member] : members_) {
    if (member->awaits_join()) {
      leader_ = id;
      return;
    }
  }
}

void ClassicGroup::begin_generation() {
  generation_ = generation_ == INT32_MAX ? 1 : generation_ + 1;
  if (members_.empty()) {
    protocol_.reset();
    leader_.reset();
    set_state(GroupState::kEmpty);
    context_.log.info("group {}: generation {} is empty", id_, generation_);
    return store_empty_generation();
  }
  protocol_ = select_protocol();
  set_state(GroupState::kCompletingRebalance);
  context_.log.info("group {}: generation {} has {} members, leader {}, protocol {}", id_,
                    generation_, members_.size(), *leader_, *protocol_);
  answer_joins();
  expect_syncs();
}

void ClassicGroup::store_empty_generation() {
  context_.store(id_, stored_form(), [id = id_, log = context_.log](ErrorCode outcome) {
    if (outcome == ErrorCode::kNone) return;
    log.warn("group {}: could not store its empty generation: {}", id, protocol::name(outcome));
  });
}

void ClassicGroup::answer_joins() {
  for (auto& [id, member] : members_) {
    member->synced = false;
    if (!member->join_reply) continue;
    JoinReply reply = std::exchange(member->join_reply, {});
    member->is_new = false;
    cancel_timer(member->session_timer);
    renew_session(*member);
    reply(current_generation_for(*member));
  }
}

// Members that never ask for their assignment are taken for gone after the rebalance timeout.
void ClassicGroup::expect_syncs() {
  milliseconds timeout{0};
  for (const auto& [id, member] : members_) timeout = std::max(timeout, member->rebalance_timeout);
  cancel_timer(sync_timer_);
  sync_timer_ = context_.loop.after(timeout, [this, generation = generation_] {
    sync_timer_ = 0;
    sync_timeout_passed(generation);
  });
}

void ClassicGroup::sync_timeout_passed(int32_t generation) {
  if (generation != generation_ ||
      (state_ != GroupState::kCompletingRebalance && state_ != GroupState::kStable)) {
    return;
  }
  std::vector<std::string> gone;
  for (const auto& [id, member] : members_) {
    if (!member->synced) gone.push_back(id);
  }
  if (gone.empty()) return;
  for (const std::string& id : gone) remove_member(id);
  prepare_rebalance("members did not ask for their assignment");
}

void ClassicGroup::store_assignments() {
  context_.store(
      id_, stored_form(),
      [this, alive = std::weak_ptr<bool>(alive_), generation = generation_](ErrorCode outcome) {
        auto still = alive.lock();
        if (!still || !*still || generation != generation_ ||
            state_ != GroupState::kCompletingRebalance) {
          return;
        }
        if (outcome == ErrorCode::kNone) return propagate_assignments();
        fail_syncs(outcome);
        prepare_rebalance("the assignment could not be stored");
      });
}

void ClassicGroup::propagate_assignments() {
  set_state(GroupState::kStable);
  for (auto& [id, member] : members_) {
    if (!member->sync_reply) continue;
    renew_session(*member);
    std::exchange(member->sync_reply, {})({.error_code = ErrorCode::kNone,
                                           .protocol_type = protocol_type_,
                                           .protocol_name = protocol_,
                                           .assignment = member->assignment});
  }
}

void ClassicGroup::fail_syncs(ErrorCode why) {
  for (auto& [id, member] : members_) {
    member->assignment.clear();
    if (!member->sync_reply) continue;
    renew_session(*member);
    std::exchange(member->sync_reply, {})({.error_code = why});
  }
}

std::set<std::string> ClassicGroup::common_protocols() const {
  std::set<std::string> common;
  bool first = true;
  for (const auto& [id, member] : members_) {
    std::set<std::string> known;
    for (const MemberProtocol& each : member->protocols) known.insert(each.name);
    if (first) common = known;
    if (!first) std::erase_if(common, [&](const auto& name) { return !known.contains(name); });
    first = false;
  }
  return common;
}

// Every member votes for the first of its protocols that all know; the most votes win.
std::string ClassicGroup::select_protocol() const {
  std::set<std::string> common = common_protocols();
  std::map<std::string, int> votes;
  for (const auto& [id, member] : members_) {
    for (const MemberProtocol& each : member->protocols) {
      if (!common.contains(each.name)) continue;
      ++votes[each.name];
      break;
    }
  }
  LH_ASSERT(!votes.empty(), "a member without a common protocol is not let in");
  return std::max_element(votes.begin(), votes.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

std::vector<protocol::JoinGroupResponse::JoinGroupResponseMember> ClassicGroup::member_list()
    const {
  std::vector<protocol::JoinGroupResponse::JoinGroupResponseMember> list;
  list.reserve(members_.size());
  for (const auto& [id, member] : members_) {
    const base::Bytes* metadata = member->metadata_for(protocol_.value_or(""));
    list.push_back({.member_id = id,
                    .group_instance_id = member->instance_id,
                    .metadata = metadata ? *metadata : base::Bytes{}});
  }
  return list;
}

}  // namespace longhaul::broker::groups
