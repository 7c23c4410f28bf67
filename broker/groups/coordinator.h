// The group coordinator: finds the group a request is about and answers it (KIP-345, KIP-211,
// KIP-496 and the classic protocol). docs/formats/consumer-offsets.md has what it stores.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/groups/shard.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"

namespace longhaul::broker::groups {

/// The partition of `__consumer_offsets` that a group belongs to: the hash that Java's String has,
/// over UTF-16 units. `partition_count` > 0.
int32_t partition_of_group(std::string_view group_id, int32_t partition_count);

/// Lives on one loop: every function is called there, every callback comes there, at once or later.
class GroupCoordinator {
 public:
  GroupCoordinator(GroupConfig config, base::EventLoop& loop, const base::Clock& clock,
                   base::Random& random, OffsetsTopic& topic, base::Logger log);
  ~GroupCoordinator();

  /// How many partitions `__consumer_offsets` has; 0: there is none yet.
  void set_partition_count(int32_t count) { partition_count_ = count; }
  /// This broker leads the partition from now on, and loads it. Nothing happens if it did already.
  void lead(int32_t partition);
  /// It no longer does; whoever waits is told NOT_COORDINATOR.
  void resign(int32_t partition);
  void topics_deleted(const std::vector<std::string>& topics);
  /// Begins with the regular expiry of offsets.
  void start();

  void join(const protocol::JoinGroupRequest& request, const Caller& caller, JoinReply reply);
  void sync(const protocol::SyncGroupRequest& request, SyncReply reply);
  protocol::HeartbeatResponse heartbeat(const protocol::HeartbeatRequest& request);
  protocol::LeaveGroupResponse leave(const protocol::LeaveGroupRequest& request);

  /// Every topic has its name and exists: that was looked at before. Names and IDs come back as
  /// they were given.
  using CommitReply = base::Callback<void(protocol::OffsetCommitResponse)>;
  void commit(const protocol::OffsetCommitRequest& request, CommitReply reply);

  using FetchedGroup = protocol::OffsetFetchResponse::OffsetFetchResponseGroup;
  FetchedGroup fetch(const protocol::OffsetFetchRequest::OffsetFetchRequestGroup& request);

  protocol::DescribeGroupsResponse describe(const protocol::DescribeGroupsRequest& request,
                                            int16_t version);
  protocol::ListGroupsResponse list(const protocol::ListGroupsRequest& request);
  void remove(const protocol::DeleteGroupsRequest& request,
              base::Callback<void(protocol::DeleteGroupsResponse)> reply);
  void remove_offsets(const protocol::OffsetDeleteRequest& request,
                      base::Callback<void(protocol::OffsetDeleteResponse)> reply);

 private:
  /// The shard of a group, or in `why` what to answer.
  Shard* shard_for(const std::string& group_id, protocol::ErrorCode& why);
  /// The group itself, or null with `why`; kNone in `why`: the shard is here, the group is not.
  Group* find_group(const std::string& group_id, protocol::ErrorCode& why);
  protocol::ErrorCode validate_commit(const protocol::OffsetCommitRequest& request, Shard& shard,
                                      Group*& group);
  void check_expiry();

  GroupConfig config_;
  ShardContext context_;
  int32_t partition_count_ = 0;
  std::unordered_map<int32_t, std::unique_ptr<Shard>> shards_;
  base::TimerId expiry_timer_ = 0;
};

}  // namespace longhaul::broker::groups
