#include "tests/sim/committer.h"

#include <algorithm>

#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/sync_group.h"

namespace longhaul::sim {

using protocol::ErrorCode;

namespace {

constexpr Time kCommitRetry = std::chrono::milliseconds(100);
constexpr Time kCommitPause = std::chrono::milliseconds(40);

}  // namespace

std::map<PartitionId, int64_t> offsets_of(
    const protocol::OffsetFetchResponse::OffsetFetchResponseGroup& group) {
  std::map<PartitionId, int64_t> offsets;
  for (const auto& topic : group.topics) {
    for (const auto& each : topic.partitions)
      offsets[{topic.topic_id, each.partition_index}] = each.committed_offset;
  }
  return offsets;
}

void Committer::find_coordinator() {
  protocol::FindCoordinatorRequest request;
  request.coordinator_keys = {group()};
  ask<protocol::FindCoordinatorResponse>(anybody(), std::move(request), 4, [this](auto reply) {
    if (!reply) return begin_anew();
    ErrorCode code = reply->message.coordinators.at(0).error_code;
    if (code != ErrorCode::kNone) return refused("FindCoordinator", code);
    if (!may_work()) return;
    coordinator_ = reply->message.coordinators.at(0).node_id;
    is_member_ ? join() : look();
  });
}

void Committer::join() {
  protocol::JoinGroupRequest request;
  request.group_id = group();
  request.member_id = member_id_;
  request.session_timeout_ms = 10'000;
  request.rebalance_timeout_ms = 10'000;
  request.protocol_type = "consumer";
  request.protocols.push_back({.name = "range", .metadata = {0, 1, 2}});
  ask<protocol::JoinGroupResponse>(coordinator_, std::move(request), 5, [this](auto reply) {
    if (!reply) return begin_anew();
    ErrorCode code = reply->message.error_code;
    if (code == ErrorCode::kMemberIdRequired) {
      member_id_ = reply->message.member_id;
      if (may_work()) join();
      return;
    }
    if (code != ErrorCode::kNone) return refused("JoinGroup", code);
    member_id_ = reply->message.member_id;
    generation_ = reply->message.generation_id;
    if (may_work()) sync();
  });
}

void Committer::sync() {
  protocol::SyncGroupRequest request;
  request.group_id = group();
  request.generation_id = generation_;
  request.member_id = member_id_;
  request.protocol_type = "consumer";
  request.protocol_name = "range";
  request.assignments.push_back({.member_id = member_id_, .assignment = {3, 4, 5}});
  ask<protocol::SyncGroupResponse>(coordinator_, std::move(request), 3, [this](auto reply) {
    if (!reply) return begin_anew();
    if (reply->message.error_code != ErrorCode::kNone) {
      return refused("SyncGroup", reply->message.error_code);
    }
    if (may_work()) look();
  });
}

void Committer::look() {
  if (region_.is_alone()) return commit();  // it may have lost some: the auditor knows
  protocol::OffsetFetchRequest request;
  request.groups.push_back({.group_id = group(), .topics = std::nullopt});
  ask<protocol::OffsetFetchResponse>(coordinator_, std::move(request), [this](auto reply) {
    if (!reply) return begin_anew();
    const auto& found = reply->message.groups.at(0);
    if (found.error_code != ErrorCode::kNone) return refused("OffsetFetch", found.error_code);
    auto committed = offsets_of(found);
    bool right = std::all_of(commits_.begin(), commits_.end(), [&](const auto& each) {
      return each.second.may_be(offset_in(committed, each.first));
    });
    if (!right) return begin_anew();
    if (may_work()) commit();
  });
}

void Committer::commit() {
  std::vector<PartitionId> candidates;
  for (const PartitionId& each : topics_.partitions()) {
    if (!topics_.find(each.topic)->may_change) candidates.push_back(each);
  }
  if (candidates.empty()) return begin_anew();
  PartitionId partition = candidates.at(world_.random().below(candidates.size()));
  int64_t offset = ++last_offset_;
  protocol::OffsetCommitRequest request;
  request.group_id = group();
  request.generation_id_or_member_epoch = generation_;
  request.member_id = member_id_;
  auto& topic = request.topics.emplace_back();
  topic.name = topics_.find(partition.topic)->name;
  topic.topic_id = partition.topic;
  topic.partitions.push_back(
      {.partition_index = partition.index, .committed_offset = offset, .committed_metadata = "m"});
  world_.trace.line(name(), "commits {} for {}-{} at n{}", offset,
                    topics_.find(partition.topic)->name, partition.index, coordinator_);
  Commits& commits = commits_[partition];
  commits.open.insert(offset);
  commits.ever.insert(offset);
  auto done = [this, partition, offset](auto reply) {
    if (!reply) return begin_anew();
    ErrorCode code = reply->message.topics.at(0).partitions.at(0).error_code;
    world_.trace.line(name(), "hears {} of {}", protocol::name(code), offset);
    if (code != ErrorCode::kNone) return refused("OffsetCommit", code);
    commits_[partition].acknowledged = offset;
    commits_[partition].open.erase(offset);
    later(kCommitPause, [this] { commit(); });
  };
  ask<protocol::OffsetCommitResponse>(coordinator_, std::move(request), 5, std::move(done));
}

void Committer::begin_anew() {
  later(kCommitRetry, [this] { find_coordinator(); });
}

void Committer::refused(const char* what, ErrorCode code) {
  switch (code) {
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kRebalanceInProgress:
    case ErrorCode::kIllegalGeneration:
      break;
    case ErrorCode::kUnknownMemberId:
      member_id_.clear();
      break;
    default:
      if (is_wrong(code)) {
        world_.findings.add("{}: {} is refused: {}", name(), what, protocol::name(code));
      }
      break;
  }
  begin_anew();
}

int64_t Committer::offset_in(const std::map<PartitionId, int64_t>& committed,
                             const PartitionId& partition) {
  auto found = committed.find(partition);
  return found == committed.end() ? -1 : found->second;
}

void Committer::audit(const std::map<PartitionId, int64_t>& committed, Loss loss) {
  for (auto& [partition, commits] : commits_) {
    int64_t now = offset_in(committed, partition);
    bool right = commits.may_be(now);
    bool older = loss == Loss::kUnsynced && (now == -1 || commits.ever.contains(now));
    if (!right && !older) {
      world_.findings.add("group {} has committed {} for partition {}-{}, and not {}", group(), now,
                          partition.topic.to_string(), partition.index, commits.acknowledged);
    }
    commits.acknowledged = now;
    commits.open.clear();
  }
}

}  // namespace longhaul::sim
