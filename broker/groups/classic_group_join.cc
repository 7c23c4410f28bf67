// How members come into a classic group.
#include <algorithm>

#include "base/assert.h"
#include "base/uuid.h"
#include "broker/groups/classic_group.h"

namespace longhaul::broker::groups {

using protocol::ErrorCode;
using std::chrono::milliseconds;

namespace {

// From this version on a member that comes without an id is told one and comes again (KIP-394).
constexpr int16_t kFirstVersionWithKnownIds = 4;
// From this version on a leader may be told to keep the assignment (KIP-814).
constexpr int16_t kFirstVersionSkippingAssignment = 9;
// A newcomer that waits in JoinGroup may have gone away: it is given this long, as in Kafka.
constexpr milliseconds kNewMemberTimeout{300'000};

protocol::JoinGroupResponse refusal(ErrorCode why, std::string member_id) {
  return {.error_code = why, .protocol_name = "", .member_id = std::move(member_id)};
}

std::vector<MemberProtocol> protocols_of(const protocol::JoinGroupRequest& request) {
  std::vector<MemberProtocol> protocols;
  protocols.reserve(request.protocols.size());
  for (const auto& each : request.protocols) protocols.push_back({each.name, each.metadata});
  return protocols;
}

}  // namespace

void ClassicGroup::join(const protocol::JoinGroupRequest& request, const Caller& caller,
                        JoinReply reply) {
  auto refuse = [&](ErrorCode why) { reply(refusal(why, request.member_id)); };
  if (request.session_timeout_ms < context_.config.min_session_timeout_ms ||
      request.session_timeout_ms > context_.config.max_session_timeout_ms) {
    return refuse(ErrorCode::kInvalidSessionTimeout);
  }
  if (state_ == GroupState::kDead) return refuse(ErrorCode::kCoordinatorNotAvailable);
  if (!supports_protocols(request)) return refuse(ErrorCode::kInconsistentGroupProtocol);
  bool is_here = members_.contains(request.member_id);
  auto size = static_cast<int64_t>(members_.size() + pending_members_.size());
  if (!is_here && !pending_members_.contains(request.member_id) &&
      size >= context_.config.max_group_size) {
    return refuse(ErrorCode::kGroupMaxSizeReached);
  }
  if (request.member_id.empty()) return join_unknown(request, caller, std::move(reply));
  join_known(request, caller, std::move(reply));
}

void ClassicGroup::join_unknown(const protocol::JoinGroupRequest& request, const Caller& caller,
                                JoinReply reply) {
  std::string id = request.group_instance_id.value_or(caller.client_id) + "-" +
                   base::Uuid::random(context_.random).to_string();
  if (request.group_instance_id) return join_static(request, caller, id, std::move(reply));
  if (caller.api_version >= kFirstVersionWithKnownIds) {
    add_pending_member(id, milliseconds(request.session_timeout_ms));
    return reply(refusal(ErrorCode::kMemberIdRequired, id));
  }
  add_member_and_rebalance(request, caller, std::move(id), std::move(reply));
}

void ClassicGroup::join_known(const protocol::JoinGroupRequest& request, const Caller& caller,
                              JoinReply reply) {
  if (auto pending = pending_members_.find(request.member_id);
      pending != pending_members_.end() && !request.group_instance_id) {
    cancel_timer(pending->second);
    pending_members_.erase(pending);
    return add_member_and_rebalance(request, caller, request.member_id, std::move(reply));
  }
  ErrorCode known = validate_member(request.member_id, request.group_instance_id);
  if (known != ErrorCode::kNone) return reply(refusal(known, request.member_id));
  rejoin(*find_member(request.member_id), request, std::move(reply));
}

void ClassicGroup::rejoin(Member& member, const protocol::JoinGroupRequest& request,
                          JoinReply reply) {
  bool same = member.protocols == protocols_of(request);
  switch (state_) {
    case GroupState::kPreparingRebalance:
      return update_member_and_rebalance(member, request, std::move(reply));
    case GroupState::kCompletingRebalance:
      // The answer to its JoinGroup got lost: it gets the same again.
      if (same) return reply(current_generation_for(member));
      return update_member_and_rebalance(member, request, std::move(reply));
    case GroupState::kStable:
      // A leader that joins again wants a new assignment: its metadata may be outdated.
      if (!same || leader_ == member.id) {
        return update_member_and_rebalance(member, request, std::move(reply));
      }
      return reply(current_generation_for(member));
    case GroupState::kEmpty:
    case GroupState::kDead:
      return reply(refusal(ErrorCode::kUnknownMemberId, request.member_id));
  }
}

void ClassicGroup::join_static(const protocol::JoinGroupRequest& request, const Caller& caller,
                               const std::string& new_id, JoinReply reply) {
  auto named = static_members_.find(*request.group_instance_id);
  if (named == static_members_.end()) {
    return add_member_and_rebalance(request, caller, new_id, std::move(reply));
  }
  std::string old_id = named->second;
  std::optional<std::string> old_leader = leader_;
  Member& member = replace_static_member(old_id, new_id, caller);
  bool same_choice = true;
  {
    auto before = std::exchange(member.protocols, protocols_of(request));
    member.rebalance_timeout = milliseconds(request.rebalance_timeout_ms);
    member.session_timeout = milliseconds(request.session_timeout_ms);
    same_choice = protocol_ && select_protocol() == *protocol_ && before == member.protocols;
  }
  renew_session(member);
  if (state_ != GroupState::kStable || !same_choice) {
    member.join_reply = std::move(reply);
    if (state_ == GroupState::kPreparingRebalance) return maybe_complete_join();
    return prepare_rebalance("a static member came back with another subscription");
  }
  // It takes its own place again: the others need not know, only its new id must be kept.
  auto answer = current_generation_for(member);
  if (leader_ == member.id) {
    if (caller.api_version >= kFirstVersionSkippingAssignment) {
      answer.skip_assignment = true;
    } else {
      answer.leader = *old_leader;  // no longer anybody: nobody assigns anew
      answer.members.clear();
    }
  }
  context_.store(id_, stored_form(),
                 [reply = std::make_shared<JoinReply>(std::move(reply)),
                  answer = std::move(answer)](ErrorCode outcome) mutable {
                   if (outcome == ErrorCode::kNone) return (*reply)(std::move(answer));
                   (*reply)(refusal(outcome, answer.member_id));
                 });
}

Member& ClassicGroup::replace_static_member(const std::string& old_id, const std::string& new_id,
                                            const Caller& caller) {
  auto node = members_.extract(old_id);
  Member& member = *node.mapped();
  constexpr auto kFenced = ErrorCode::kFencedInstanceId;
  if (member.join_reply) {
    std::exchange(member.join_reply, {})(refusal(ErrorCode::kFencedInstanceId, old_id));
  }
  if (member.sync_reply) std::exchange(member.sync_reply, {})({.error_code = kFenced});
  cancel_timer(member.session_timer);
  node.key() = new_id;
  member.id = new_id;
  member.client_id = caller.client_id;
  member.client_host = caller.client_host;
  static_members_[*member.instance_id] = new_id;
  if (leader_ == old_id) leader_ = new_id;
  members_.insert(std::move(node));
  return member;
}

void ClassicGroup::add_pending_member(const std::string& member_id, milliseconds timeout) {
  pending_members_[member_id] = context_.loop.after(timeout, [this, member_id] {
    pending_members_.erase(member_id);
    maybe_complete_join();
  });
}

void ClassicGroup::add_member_and_rebalance(const protocol::JoinGroupRequest& request,
                                            const Caller& caller, std::string member_id,
                                            JoinReply reply) {
  auto member = std::make_unique<Member>();
  member->id = member_id;
  member->instance_id = request.group_instance_id;
  member->client_id = caller.client_id;
  member->client_host = caller.client_host;
  member->session_timeout = milliseconds(request.session_timeout_ms);
  member->rebalance_timeout = milliseconds(
      request.rebalance_timeout_ms < 0 ? request.session_timeout_ms : request.rebalance_timeout_ms);
  member->protocols = protocols_of(request);
  member->is_new = true;
  member->join_reply = std::move(reply);
  member->session_deadline = context_.clock.monotonic() + kNewMemberTimeout;
  if (members_.empty()) {
    protocol_type_ = request.protocol_type;
    leader_ = member_id;
  }
  if (!leader_) leader_ = member_id;
  if (member->instance_id) static_members_[*member->instance_id] = member_id;
  arm_session_timer(*member, kNewMemberTimeout);
  members_[member_id] = std::move(member);
  if (in_initial_delay_) joined_in_initial_delay_ = true;
  maybe_prepare_rebalance("a member joined");
  maybe_complete_join();
}

void ClassicGroup::update_member_and_rebalance(Member& member,
                                               const protocol::JoinGroupRequest& request,
                                               JoinReply reply) {
  member.protocols = protocols_of(request);
  member.session_timeout = milliseconds(request.session_timeout_ms);
  member.rebalance_timeout = milliseconds(
      request.rebalance_timeout_ms < 0 ? request.session_timeout_ms : request.rebalance_timeout_ms);
  if (member.join_reply) {
    // A retry on a new connection: the request before it gets an answer that makes it retry.
    member.join_reply(refusal(ErrorCode::kRebalanceInProgress, member.id));
  }
  member.join_reply = std::move(reply);
  renew_session(member);
  maybe_prepare_rebalance("a member joined again");
  maybe_complete_join();
}

bool ClassicGroup::supports_protocols(const protocol::JoinGroupRequest& request) const {
  if (request.protocol_type.empty() || request.protocols.empty()) return false;
  if (members_.empty()) return true;
  if (request.protocol_type != protocol_type_) return false;
  std::set<std::string> common = common_protocols();
  return std::any_of(request.protocols.begin(), request.protocols.end(),
                     [&](const auto& each) { return common.contains(each.name); });
}

protocol::JoinGroupResponse ClassicGroup::current_generation_for(const Member& member) const {
  protocol::JoinGroupResponse response;
  response.generation_id = generation_;
  response.protocol_type = protocol_type_;
  response.protocol_name = protocol_.value_or("");
  response.leader = leader_.value_or("");
  response.member_id = member.id;
  if (leader_ == member.id) response.members = member_list();
  return response;
}

}  // namespace longhaul::broker::groups
