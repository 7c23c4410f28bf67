// One group under Kafka's classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup, with
// static members (KIP-345), known member ids (KIP-394) and leaders that skip an assignment
// (KIP-814). The members decide who reads what; the group only keeps them in step.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/random.h"
#include "broker/groups/group_config.h"
#include "broker/groups/member.h"
#include "protocol/error_code.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/group_metadata_value.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/leave_group.h"

namespace longhaul::broker::groups {

enum class GroupState { kEmpty, kPreparingRebalance, kCompletingRebalance, kStable, kDead };

/// Kafka's name of a state, as its tools print it.
std::string_view state_name(GroupState state);

/// What a group needs around it. All of it outlives the group.
struct GroupContext {
  base::EventLoop& loop;
  const base::Clock& clock;
  base::Random& random;
  const GroupConfig& config;
  base::Logger log;
  /// Stores the group's metadata in `__consumer_offsets`; the callback says how it went.
  std::function<void(const std::string& group, protocol::GroupMetadataValue value,
                     base::Callback<void(protocol::ErrorCode)> done)>
      store;
};

/// Lives on its context's loop. Replies are called at once or later, exactly once, except that
/// those still waiting when the group is destroyed are answered with NOT_COORDINATOR.
class ClassicGroup {
 public:
  ClassicGroup(std::string id, GroupContext& context);
  ~ClassicGroup();
  ClassicGroup(const ClassicGroup&) = delete;
  ClassicGroup& operator=(const ClassicGroup&) = delete;

  /// Takes over what was stored; members get a full session timeout to show up.
  void restore(const protocol::GroupMetadataValue& stored);

  void join(const protocol::JoinGroupRequest& request, const Caller& caller, JoinReply reply);
  void sync(const protocol::SyncGroupRequest& request, SyncReply reply);
  protocol::ErrorCode heartbeat(const protocol::HeartbeatRequest& request);
  protocol::LeaveGroupResponse leave(const protocol::LeaveGroupRequest& request);

  /// Whether a commit by this member in this generation is in order; renews its session if so.
  protocol::ErrorCode validate_commit(const std::string& member_id,
                                      const std::optional<std::string>& instance_id,
                                      int32_t generation);

  protocol::DescribeGroupsResponse::DescribedGroup describe() const;

  const std::string& id() const { return id_; }
  GroupState state() const { return state_; }
  int32_t generation() const { return generation_; }
  const std::string& protocol_type() const { return protocol_type_; }
  bool has_members() const { return !members_.empty() || !pending_members_.empty(); }
  /// When the group got into its state; wall clock, milliseconds. For the expiry of offsets.
  int64_t state_since_ms() const { return state_since_ms_; }
  /// True if a member of a consumer group subscribes to the topic (or if that cannot be told).
  bool subscribes_to(const std::string& topic) const;
  /// No further use: everyone who waits is told, and the group accepts nothing any more.
  void kill(protocol::ErrorCode why);

 private:
  using Members = std::map<std::string, std::unique_ptr<Member>>;

  // Joining (classic_group_join.cc)
  void join_unknown(const protocol::JoinGroupRequest& request, const Caller& caller,
                    JoinReply reply);
  void join_known(const protocol::JoinGroupRequest& request, const Caller& caller, JoinReply reply);
  void rejoin(Member& member, const protocol::JoinGroupRequest& request, JoinReply reply);
  void join_static(const protocol::JoinGroupRequest& request, const Caller& caller,
                   const std::string& new_id, JoinReply reply);
  void add_member_and_rebalance(const protocol::JoinGroupRequest& request, const Caller& caller,
                                std::string member_id, JoinReply reply);
  void update_member_and_rebalance(Member& member, const protocol::JoinGroupRequest& request,
                                   JoinReply reply);
  Member& replace_static_member(const std::string& old_id, const std::string& new_id,
                                const Caller& caller);
  void add_pending_member(const std::string& member_id, std::chrono::milliseconds timeout);
  bool supports_protocols(const protocol::JoinGroupRequest& request) const;
  protocol::JoinGroupResponse current_generation_for(const Member& member) const;

  // Rebalancing (classic_group_rebalance.cc)
  void maybe_prepare_rebalance(std::string_view reason);
  void prepare_rebalance(std::string_view reason);
  void start_initial_delay();
  void initial_delay_passed();
  void maybe_complete_join();
  void complete_join();
  void drop_members_that_did_not_rejoin();
  void begin_generation();
  void answer_joins();
  void store_empty_generation();
  void store_assignments();
  void propagate_assignments();
  void fail_syncs(protocol::ErrorCode why);
  void expect_syncs();
  void sync_timeout_passed(int32_t generation);
  std::string select_protocol() const;
  std::set<std::string> common_protocols() const;

  // Members
  Member* find_member(const std::string& member_id);
  protocol::ErrorCode validate_member(const std::string& member_id,
                                      const std::optional<std::string>& instance_id) const;
  void remove_member(const std::string& member_id);
  void renew_session(Member& member);
  void arm_session_timer(Member& member, std::chrono::microseconds delay);
  void session_timer_fired(const std::string& member_id);
  protocol::ErrorCode leave_one(const std::string& member_id,
                                const std::optional<std::string>& instance_id);
  void elect_joined_leader();
  void set_state(GroupState state);
  protocol::GroupMetadataValue stored_form() const;
  std::vector<protocol::JoinGroupResponse::JoinGroupResponseMember> member_list() const;
  void cancel_timer(base::TimerId& timer);

  const std::string id_;
  GroupContext& context_;
  GroupState state_ = GroupState::kEmpty;
  int64_t state_since_ms_ = 0;
  int32_t generation_ = 0;
  std::string protocol_type_;
  std::optional<std::string> protocol_;
  std::optional<std::string> leader_;
  Members members_;
  std::map<std::string, std::string> static_members_;     // instance id -> member id
  std::map<std::string, base::TimerId> pending_members_;  // were told their id, did not come yet
  base::TimerId join_timer_ = 0;
  base::TimerId sync_timer_ = 0;
  bool in_initial_delay_ = false;
  bool joined_in_initial_delay_ = false;
  std::chrono::milliseconds initial_delay_left_{};
  // Callbacks of stores that outlive the group find this expired.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace longhaul::broker::groups
