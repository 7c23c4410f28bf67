#include "broker/groups/coordinator.h"

#include <algorithm>
#include <chrono>

#include "broker/groups/commit.h"

namespace longhaul::broker::groups {

using protocol::ErrorCode;

namespace {

// From this version on a group that does not exist is an error, not one that is Dead (KIP-1043).
constexpr int16_t kFirstDescribeWithNotFound = 6;

template <class Range>
bool contains_ignoring_case(const Range& names, std::string_view wanted) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::equal(name.begin(), name.end(), wanted.begin(), wanted.end(),
                      [](char a, char b) { return std::tolower(a) == std::tolower(b); });
  });
}

}  // namespace

GroupCoordinator::GroupCoordinator(GroupConfig config, base::EventLoop& loop,
                                   const base::Clock& clock, base::Random& random,
                                   OffsetsTopic& topic, base::Logger log)
    : config_(config), context_{loop, clock, random, config_, topic, log} {}

GroupCoordinator::~GroupCoordinator() {
  if (expiry_timer_ != 0) context_.loop.cancel(expiry_timer_);
}

void GroupCoordinator::start() { check_expiry(); }

void GroupCoordinator::check_expiry() {
  for (auto& [partition, shard] : shards_) shard->expire();
  expiry_timer_ = context_.loop.after(
      std::chrono::milliseconds(config_.retention_check_interval_ms), [this] { check_expiry(); });
}

void GroupCoordinator::lead(int32_t partition) {
  auto& shard = shards_[partition];
  if (shard) return;
  shard = std::make_unique<Shard>(partition, context_);
  shard->load();
}

void GroupCoordinator::resign(int32_t partition) { shards_.erase(partition); }

void GroupCoordinator::topics_deleted(const std::vector<std::string>& topics) {
  for (auto& [partition, shard] : shards_) {
    for (const std::string& topic : topics) shard->topic_deleted(topic);
  }
}

Shard* GroupCoordinator::shard_for(const std::string& group_id, ErrorCode& why) {
  why = ErrorCode::kNotCoordinator;
  if (partition_count_ <= 0) return nullptr;
  auto found = shards_.find(partition_of_group(group_id, partition_count_));
  if (found == shards_.end()) return nullptr;
  why = found->second->status();
  return why == ErrorCode::kNone ? found->second.get() : nullptr;
}

Group* GroupCoordinator::find_group(const std::string& group_id, ErrorCode& why) {
  Shard* shard = shard_for(group_id, why);
  return shard ? shard->find(group_id) : nullptr;
}

void GroupCoordinator::join(const protocol::JoinGroupRequest& request, const Caller& caller,
                            JoinReply reply) {
  auto refuse = [&](ErrorCode why) {
    reply({.error_code = why, .protocol_name = "", .member_id = request.member_id});
  };
  if (request.group_id.empty()) return refuse(ErrorCode::kInvalidGroupId);
  ErrorCode why;
  Shard* shard = shard_for(request.group_id, why);
  if (!shard) return refuse(why);
  Group* group = shard->find(request.group_id);
  if (!group) {
    if (!request.member_id.empty()) return refuse(ErrorCode::kUnknownMemberId);
    group = &shard->find_or_create(request.group_id);
  }
  group->members.join(request, caller, std::move(reply));
}

void GroupCoordinator::sync(const protocol::SyncGroupRequest& request, SyncReply reply) {
  if (request.group_id.empty()) return reply({.error_code = ErrorCode::kInvalidGroupId});
  ErrorCode why;
  if (Group* group = find_group(request.group_id, why)) {
    return group->members.sync(request, std::move(reply));
  }
  // A client that is told "loading" here would wait; a rebalance makes it join again (KAFKA-7610).
  if (why == ErrorCode::kCoordinatorLoadInProgress) why = ErrorCode::kRebalanceInProgress;
  reply({.error_code = why == ErrorCode::kNone ? ErrorCode::kUnknownMemberId : why});
}

protocol::HeartbeatResponse GroupCoordinator::heartbeat(const protocol::HeartbeatRequest& request) {
  if (request.group_id.empty()) return {.error_code = ErrorCode::kInvalidGroupId};
  ErrorCode why;
  Group* group = find_group(request.group_id, why);
  if (group) return {.error_code = group->members.heartbeat(request)};
  if (why == ErrorCode::kNone) why = ErrorCode::kUnknownMemberId;
  // While loading nobody can tell who is a member: the client shall just go on.
  if (why == ErrorCode::kCoordinatorLoadInProgress) why = ErrorCode::kNone;
  return {.error_code = why};
}

protocol::LeaveGroupResponse GroupCoordinator::leave(const protocol::LeaveGroupRequest& request) {
  if (request.group_id.empty()) return {.error_code = ErrorCode::kInvalidGroupId};
  ErrorCode why;
  if (Group* group = find_group(request.group_id, why)) return group->members.leave(request);
  protocol::LeaveGroupResponse response;
  if (why != ErrorCode::kNone || request.members.empty()) {
    response.error_code = why == ErrorCode::kNone ? ErrorCode::kUnknownMemberId : why;
    return response;
  }
  for (const auto& leaving : request.members) {
    response.members.push_back({.member_id = leaving.member_id,
                                .group_instance_id = leaving.group_instance_id,
                                .error_code = ErrorCode::kUnknownMemberId});
  }
  return response;
}

ErrorCode GroupCoordinator::validate_commit(const protocol::OffsetCommitRequest& request,
                                            Shard& shard, Group*& group) {
  group = shard.find(request.group_id);
  if (!group) {
    // Without a generation it is a consumer that assigns its partitions itself.
    if (request.generation_id_or_member_epoch >= 0) return ErrorCode::kIllegalGeneration;
    group = &shard.find_or_create(request.group_id);
  }
  return group->members.validate_commit(request.member_id, request.group_instance_id,
                                        request.generation_id_or_member_epoch);
}

void GroupCoordinator::commit(const protocol::OffsetCommitRequest& request, CommitReply reply) {
  ErrorCode why;
  Shard* shard = shard_for(request.group_id, why);
  Group* group = nullptr;
  if (shard) why = validate_commit(request, *shard, group);
  if (why != ErrorCode::kNone) return reply(refuse_commit(request, why));
  auto commit = std::make_shared<Commit>(request, config_, context_.clock.wall_ms());
  if (commit->records().empty()) return reply(commit->response(ErrorCode::kNone));
  auto apply = [shard, commit] { commit->apply(shard->find_or_create(commit->group())); };
  auto done = [commit, reply = std::move(reply)](ErrorCode outcome) mutable {
    reply(commit->response(commit_error(outcome)));
  };
  shard->append(commit->records(), std::move(apply), std::move(done));
}

GroupCoordinator::FetchedGroup GroupCoordinator::fetch(
    const protocol::OffsetFetchRequest::OffsetFetchRequestGroup& request) {
  FetchedGroup response;
  response.group_id = request.group_id;
  ErrorCode why;
  Group* group = find_group(request.group_id, why);
  response.error_code = why;
  if (why != ErrorCode::kNone) return response;
  const Offsets none;
  fill_fetched(request, group ? group->offsets : none, response);
  return response;
}

protocol::DescribeGroupsResponse GroupCoordinator::describe(
    const protocol::DescribeGroupsRequest& request, int16_t version) {
  protocol::DescribeGroupsResponse response;
  for (const std::string& id : request.groups) {
    ErrorCode why;
    if (Group* group = find_group(id, why)) {
      response.groups.push_back(group->members.describe());
      continue;
    }
    auto& shown = response.groups.emplace_back();
    shown.group_id = id;
    shown.error_code = why;
    if (why != ErrorCode::kNone) continue;
    shown.group_state = state_name(GroupState::kDead);
    if (version < kFirstDescribeWithNotFound) continue;
    shown.error_code = ErrorCode::kGroupIdNotFound;
    shown.error_message = "Group " + id + " not found.";
  }
  return response;
}

protocol::ListGroupsResponse GroupCoordinator::list(const protocol::ListGroupsRequest& request) {
  protocol::ListGroupsResponse response;
  if (!request.types_filter.empty() && !contains_ignoring_case(request.types_filter, "classic")) {
    return response;
  }
  for (const auto& [partition, shard] : shards_) {
    if (shard->status() != ErrorCode::kNone) {
      response.error_code = shard->status();
      continue;
    }
    for (const auto& [id, group] : shard->groups()) {
      std::string_view state = state_name(group->members.state());
      if (!request.states_filter.empty() && !contains_ignoring_case(request.states_filter, state)) {
        continue;
      }
      response.groups.push_back({.group_id = id,
                                 .protocol_type = group->members.protocol_type(),
                                 .group_state = std::string(state),
                                 .group_type = "classic"});
    }
  }
  std::sort(response.groups.begin(), response.groups.end(),
            [](const auto& a, const auto& b) { return a.group_id < b.group_id; });
  return response;
}

void GroupCoordinator::remove(const protocol::DeleteGroupsRequest& request,
                              base::Callback<void(protocol::DeleteGroupsResponse)> reply) {
  struct Pending {
    protocol::DeleteGroupsResponse response;
    size_t left = 0;
    base::Callback<void(protocol::DeleteGroupsResponse)> reply;
  };
  auto pending = std::make_shared<Pending>();
  pending->reply = std::move(reply);
  std::vector<std::string> names;  // each once
  for (const std::string& id : request.groups_names) {
    if (std::find(names.begin(), names.end(), id) == names.end()) names.push_back(id);
  }
  pending->left = names.size() + 1;
  auto finish_one = [pending] {
    if (--pending->left == 0) pending->reply(std::move(pending->response));
  };
  for (const std::string& id : names) {
    pending->response.results.push_back({.group_id = id, .error_code = ErrorCode::kNone});
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& id = names[i];
    ErrorCode why;
    Group* group = find_group(id, why);
    if (!group && why == ErrorCode::kNone) why = ErrorCode::kGroupIdNotFound;
    if (group && group->members.has_members()) why = ErrorCode::kNonEmptyGroup;
    pending->response.results[i].error_code = why;
    if (why != ErrorCode::kNone) {
      finish_one();
      continue;
    }
    shard_for(id, why)->remove_group(id, [pending, i, finish_one](ErrorCode outcome) {
      pending->response.results[i].error_code = commit_error(outcome);
      finish_one();
    });
  }
  finish_one();
}

void GroupCoordinator::remove_offsets(const protocol::OffsetDeleteRequest& request,
                                      base::Callback<void(protocol::OffsetDeleteResponse)> reply) {
  ErrorCode why;
  Group* group = find_group(request.group_id, why);
  if (!group && why == ErrorCode::kNone) why = ErrorCode::kGroupIdNotFound;
  bool consumers = group && group->members.protocol_type() == "consumer";
  if (group && group->members.has_members() && !consumers) why = ErrorCode::kNonEmptyGroup;
  if (request.group_id.empty()) why = ErrorCode::kInvalidGroupId;
  protocol::OffsetDeleteResponse response;
  response.error_code = why;
  if (why != ErrorCode::kNone) return reply(std::move(response));

  std::vector<OffsetKey> keys;
  for (const auto& topic : request.topics) {
    bool in_use = group->members.subscribes_to(topic.name);
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    for (const auto& each : topic.partitions) {
      ErrorCode outcome = in_use ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone;
      shown.partitions.push_back({.partition_index = each.partition_index, .error_code = outcome});
      if (in_use || !group->find_offset(topic.name, each.partition_index)) continue;
      keys.push_back({request.group_id, topic.name, each.partition_index});
    }
  }
  if (keys.empty()) return reply(std::move(response));
  auto held =
      std::make_shared<base::Callback<void(protocol::OffsetDeleteResponse)>>(std::move(reply));
  shard_for(request.group_id, why)
      ->remove_offsets(request.group_id, std::move(keys),
                       [held, response = std::move(response)](ErrorCode outcome) mutable {
                         if (outcome != ErrorCode::kNone) {
                           response = {.error_code = commit_error(outcome)};
                         }
                         (*held)(std::move(response));
                       });
}

}  // namespace longhaul::broker::groups
