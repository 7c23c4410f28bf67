#include "broker/groups/classic_group.h"

#include <algorithm>

#include "base/assert.h"
#include "protocol/messages/consumer_protocol_subscription.h"

namespace longhaul::broker::groups {

using protocol::ErrorCode;
using std::chrono::milliseconds;

std::string_view state_name(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kDead:
      return "Dead";
  }
  return "Dead";
}

ClassicGroup::ClassicGroup(std::string id, GroupContext& context)
    : id_(std::move(id)), context_(context), state_since_ms_(context.clock.wall_ms()) {}

ClassicGroup::~ClassicGroup() { kill(ErrorCode::kNotCoordinator); }

void ClassicGroup::restore(const protocol::GroupMetadataValue& stored) {
  protocol_type_ = stored.protocol_type;
  generation_ = stored.generation;
  protocol_ = stored.protocol;
  leader_ = stored.leader;
  for (const auto& kept : stored.members) {
    auto member = std::make_unique<Member>();
    member->id = kept.member_id;
    member->instance_id = kept.group_instance_id;
    member->client_id = kept.client_id;
    member->client_host = kept.client_host;
    member->session_timeout = milliseconds(kept.session_timeout);
    member->rebalance_timeout =
        milliseconds(kept.rebalance_timeout < 0 ? kept.session_timeout : kept.rebalance_timeout);
    member->protocols.push_back({protocol_.value_or(""), kept.subscription});
    member->assignment = kept.assignment;
    member->synced = true;
    if (member->instance_id) static_members_[*member->instance_id] = member->id;
    renew_session(*member);
    members_[kept.member_id] = std::move(member);
  }
  state_ = members_.empty() ? GroupState::kEmpty : GroupState::kStable;
  state_since_ms_ = stored.current_state_timestamp >= 0 ? stored.current_state_timestamp
                                                        : context_.clock.wall_ms();
}

void ClassicGroup::sync(const protocol::SyncGroupRequest& request, SyncReply reply) {
  auto refuse = [&](ErrorCode why) { reply({.error_code = why}); };
  if (state_ == GroupState::kDead) return refuse(ErrorCode::kCoordinatorNotAvailable);
  ErrorCode known = validate_member(request.member_id, request.group_instance_id);
  if (known != ErrorCode::kNone) return refuse(known);
  if (request.generation_id != generation_) return refuse(ErrorCode::kIllegalGeneration);
  if ((request.protocol_type && *request.protocol_type != protocol_type_) ||
      (request.protocol_name && protocol_ && *request.protocol_name != *protocol_)) {
    return refuse(ErrorCode::kInconsistentGroupProtocol);
  }
  Member& member = *find_member(request.member_id);
  switch (state_) {
    case GroupState::kEmpty:
    case GroupState::kDead:
      return refuse(ErrorCode::kUnknownMemberId);
    case GroupState::kPreparingRebalance:
      return refuse(ErrorCode::kRebalanceInProgress);
    case GroupState::kCompletingRebalance:
      if (member.sync_reply) {
        member.sync_reply({.error_code = ErrorCode::kRebalanceInProgress});
      }
      member.sync_reply = std::move(reply);
      member.synced = true;
      renew_session(member);
      if (leader_ != request.member_id) return;
      for (auto& [id, each] : members_) each->assignment.clear();
      for (const auto& given : request.assignments) {
        if (Member* receiver = find_member(given.member_id)) {
          receiver->assignment = given.assignment;
        }
      }
      return store_assignments();
    case GroupState::kStable:
      member.synced = true;
      renew_session(member);
      return reply({.error_code = ErrorCode::kNone,
                    .protocol_type = protocol_type_,
                    .protocol_name = protocol_,
                    .assignment = member.assignment});
  }
}

ErrorCode ClassicGroup::heartbeat(const protocol::HeartbeatRequest& request) {
  if (state_ == GroupState::kDead) return ErrorCode::kCoordinatorNotAvailable;
  ErrorCode known = validate_member(request.member_id, request.group_instance_id);
  if (known != ErrorCode::kNone) return known;
  if (request.generation_id != generation_) return ErrorCode::kIllegalGeneration;
  if (state_ == GroupState::kEmpty) return ErrorCode::kUnknownMemberId;
  renew_session(*find_member(request.member_id));
  return state_ == GroupState::kPreparingRebalance ? ErrorCode::kRebalanceInProgress
                                                   : ErrorCode::kNone;
}

protocol::LeaveGroupResponse ClassicGroup::leave(const protocol::LeaveGroupRequest& request) {
  protocol::LeaveGroupResponse response;
  if (request.members.empty()) {  // versions 0-2 carry one member
    response.error_code = leave_one(request.member_id, {});
    return response;
  }
  for (const auto& leaving : request.members) {
    ErrorCode outcome = leave_one(leaving.member_id, leaving.group_instance_id);
    response.members.push_back({.member_id = leaving.member_id,
                                .group_instance_id = leaving.group_instance_id,
                                .error_code = outcome});
  }
  return response;
}

ErrorCode ClassicGroup::leave_one(const std::string& member_id,
                                  const std::optional<std::string>& instance_id) {
  if (state_ == GroupState::kDead) return ErrorCode::kCoordinatorNotAvailable;
  std::string id = member_id;
  if (id.empty() && instance_id) {  // an administrator removes a static member by its name
    auto named = static_members_.find(*instance_id);
    if (named == static_members_.end()) return ErrorCode::kUnknownMemberId;
    id = named->second;
  }
  if (auto pending = pending_members_.find(id); pending != pending_members_.end()) {
    cancel_timer(pending->second);
    pending_members_.erase(pending);
    maybe_complete_join();
    return ErrorCode::kNone;
  }
  ErrorCode known = validate_member(id, instance_id);
  if (known != ErrorCode::kNone) return known;
  remove_member(id);
  maybe_prepare_rebalance("a member left");
  maybe_complete_join();
  return ErrorCode::kNone;
}

ErrorCode ClassicGroup::validate_commit(const std::string& member_id,
                                        const std::optional<std::string>& instance_id,
                                        int32_t generation) {
  if (state_ == GroupState::kDead) return ErrorCode::kCoordinatorNotAvailable;
  // A client that assigns its partitions itself may commit while nobody else manages the group.
  if (generation < 0 && state_ == GroupState::kEmpty) return ErrorCode::kNone;
  if (generation >= 0 || !member_id.empty() || instance_id) {
    ErrorCode known = validate_member(member_id, instance_id);
    if (known != ErrorCode::kNone) return known;
    if (generation != generation_) return ErrorCode::kIllegalGeneration;
  } else {
    return ErrorCode::kUnknownMemberId;
  }
  if (state_ == GroupState::kCompletingRebalance) return ErrorCode::kRebalanceInProgress;
  renew_session(*find_member(member_id));
  return ErrorCode::kNone;
}

protocol::DescribeGroupsResponse::DescribedGroup ClassicGroup::describe() const {
  protocol::DescribeGroupsResponse::DescribedGroup described;
  described.group_id = id_;
  described.group_state = state_name(state_);
  described.protocol_type = protocol_type_;
  bool stable = state_ == GroupState::kStable;
  if (stable) described.protocol_data = protocol_.value_or("");
  for (const auto& [id, member] : members_) {
    auto& shown = described.members.emplace_back();
    shown.member_id = id;
    shown.group_instance_id = member->instance_id;
    shown.client_id = member->client_id;
    shown.client_host = member->client_host;
    if (!stable) continue;
    const base::Bytes* metadata = member->metadata_for(protocol_.value_or(""));
    if (metadata) shown.member_metadata = *metadata;
    shown.member_assignment = member->assignment;
  }
  return described;
}

bool ClassicGroup::subscribes_to(const std::string& topic) const {
  if (members_.empty() || protocol_type_ != "consumer") return false;
  for (const auto& [id, member] : members_) {
    for (const MemberProtocol& known : member->protocols) {
      base::Reader reader(known.metadata);
      using protocol::ConsumerProtocolSubscription;
      int16_t version = std::min(reader.int16(), ConsumerProtocolSubscription::kMaxVersion);
      if (!reader.ok() || version < 0) return true;
      auto subscription = ConsumerProtocolSubscription::decode(reader, version);
      if (!subscription) return true;  // a client's own format: keep what it may use
      const auto& topics = subscription->topics;
      if (std::find(topics.begin(), topics.end(), topic) != topics.end()) return true;
    }
  }
  return false;
}

void ClassicGroup::kill(ErrorCode why) {
  *alive_ = false;
  for (auto& [id, member] : members_) {
    cancel_timer(member->session_timer);
    if (member->join_reply) {
      std::exchange(member->join_reply, {})({.error_code = why});
    }
    if (member->sync_reply) {
      std::exchange(member->sync_reply, {})({.error_code = why});
    }
  }
  for (auto& [id, timer] : pending_members_) cancel_timer(timer);
  cancel_timer(join_timer_);
  cancel_timer(sync_timer_);
  members_.clear();
  static_members_.clear();
  pending_members_.clear();
  state_ = GroupState::kDead;
}

Member* ClassicGroup::find_member(const std::string& member_id) {
  auto found = members_.find(member_id);
  return found == members_.end() ? nullptr : found->second.get();
}

ErrorCode ClassicGroup::validate_member(const std::string& member_id,
                                        const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    auto named = static_members_.find(*instance_id);
    if (named == static_members_.end()) return ErrorCode::kUnknownMemberId;
    if (named->second != member_id) return ErrorCode::kFencedInstanceId;
  }
  return members_.contains(member_id) ? ErrorCode::kNone : ErrorCode::kUnknownMemberId;
}

void ClassicGroup::remove_member(const std::string& member_id) {
  auto found = members_.find(member_id);
  LH_ASSERT(found != members_.end(), "callers look the member up first");
  std::unique_ptr<Member> member = std::move(found->second);
  members_.erase(found);
  cancel_timer(member->session_timer);
  if (member->instance_id) static_members_.erase(*member->instance_id);
  constexpr auto kUnknown = ErrorCode::kUnknownMemberId;
  if (member->join_reply) member->join_reply({.error_code = kUnknown, .member_id = member->id});
  if (member->sync_reply) member->sync_reply({.error_code = kUnknown});
  if (leader_ == member_id) {
    leader_ = members_.empty() ? std::nullopt : std::optional(members_.begin()->first);
  }
}

void ClassicGroup::renew_session(Member& member) {
  member.session_deadline = context_.clock.monotonic() + member.session_timeout;
  if (member.session_timer == 0) arm_session_timer(member, member.session_timeout);
}

// The timer is not moved with every heartbeat: when it fires it looks at the deadline.
void ClassicGroup::arm_session_timer(Member& member, std::chrono::microseconds delay) {
  member.session_timer =
      context_.loop.after(delay, [this, id = member.id] { session_timer_fired(id); });
}

void ClassicGroup::session_timer_fired(const std::string& member_id) {
  Member* member = find_member(member_id);
  if (!member) return;
  member->session_timer = 0;
  auto now = context_.clock.monotonic();
  // Who waits for us cannot heartbeat; only a newcomer that may have gone away has a limit.
  bool waits = (member->awaits_join() && !member->is_new) || member->awaits_sync();
  if (waits) member->session_deadline = now + member->session_timeout;
  if (member->session_deadline > now) {
    return arm_session_timer(*member, member->session_deadline - now);
  }
  context_.log.info("group {}: member {} was not heard of for {} ms and is removed", id_, member_id,
                    member->session_timeout.count());
  remove_member(member_id);
  maybe_prepare_rebalance("a member's session expired");
  maybe_complete_join();
}

void ClassicGroup::set_state(GroupState state) {
  state_ = state;
  state_since_ms_ = context_.clock.wall_ms();
}

protocol::GroupMetadataValue ClassicGroup::stored_form() const {
  protocol::GroupMetadataValue value;
  value.protocol_type = protocol_type_;
  value.generation = generation_;
  value.protocol = protocol_;
  value.leader = leader_;
  value.current_state_timestamp = state_since_ms_;
  for (const auto& [id, member] : members_) {
    auto& kept = value.members.emplace_back();
    kept.member_id = id;
    kept.group_instance_id = member->instance_id;
    kept.client_id = member->client_id;
    kept.client_host = member->client_host;
    kept.rebalance_timeout = static_cast<int32_t>(member->rebalance_timeout.count());
    kept.session_timeout = static_cast<int32_t>(member->session_timeout.count());
    const base::Bytes* metadata = member->metadata_for(protocol_.value_or(""));
    if (metadata) kept.subscription = *metadata;
    kept.assignment = member->assignment;
  }
  return value;
}

void ClassicGroup::cancel_timer(base::TimerId& timer) {
  if (timer != 0) context_.loop.cancel(timer);
  timer = 0;
}

}  // namespace longhaul::broker::groups
