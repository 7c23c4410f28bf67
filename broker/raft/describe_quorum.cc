#include "broker/raft/describe_quorum.h"

#include <chrono>
#include <utility>

#include "broker/raft/wire_partition.h"

namespace longhaul::broker::raft {
namespace {

using protocol::DescribeQuorumResponse;

/// Raft's times on the wall clock.
class WallClock {
 public:
  WallClock(Raft::Now now, int64_t wall_ms) : now_(now), wall_ms_(wall_ms) {}
  int64_t now_ms() const { return wall_ms_; }
  int64_t ms(const std::optional<Raft::Now>& then) const {
    if (!then) return -1;
    return wall_ms_ - std::chrono::duration_cast<std::chrono::milliseconds>(now_ - *then).count();
  }

 private:
  Raft::Now now_;
  int64_t wall_ms_;
};

DescribeQuorumResponse::ReplicaState replica_state(const Raft& raft, const ReplicaKey& key,
                                                   const WallClock& clock) {
  DescribeQuorumResponse::ReplicaState state;
  state.replica_id = key.id;
  state.replica_directory_id = key.directory;
  if (key == raft.self()) {
    state.log_end_offset = raft.end_offset();
    state.last_fetch_timestamp = state.last_caught_up_timestamp = clock.now_ms();
    return state;
  }
  auto found = raft.replicas().find(key);
  state.log_end_offset = -1;
  if (found == raft.replicas().end() || !found->second.last_fetch) return state;
  state.log_end_offset = found->second.durable;
  state.last_fetch_timestamp = clock.ms(found->second.last_fetch);
  state.last_caught_up_timestamp = clock.ms(found->second.caught_up);
  return state;
}

void describe_partition(const Raft& raft, const WallClock& clock,
                        DescribeQuorumResponse::PartitionData& partition) {
  partition.leader_id = raft.self().id;
  partition.leader_epoch = raft.epoch();
  partition.high_watermark = raft.high_watermark();
  const VoterSet& voters = raft.voters().latest();
  for (const auto& [id, voter] : voters.all())
    partition.current_voters.push_back(replica_state(raft, voter.key, clock));
  for (const auto& [key, progress] : raft.replicas()) {
    if (!voters.contains(key)) partition.observers.push_back(replica_state(raft, key, clock));
  }
}

}  // namespace

DescribeQuorumResponse describe_quorum(const protocol::DescribeQuorumRequest& request,
                                       const Raft& raft, Raft::Now now, int64_t wall_ms) {
  DescribeQuorumResponse response;
  response.error_message.reset();
  if (!raft.is_leader()) {
    response.error_code = protocol::ErrorCode::kNotLeaderOrFollower;
    return response;
  }
  WallClock clock(now, wall_ms);
  bool described = false;  // once: it is much, and can be asked for in few bytes
  for (const auto& asked : request.topics) {
    auto& topic = response.topics.emplace_back();
    topic.topic_name = asked.topic_name;
    for (const auto& asked_partition : asked.partitions) {
      auto& partition = topic.partitions.emplace_back();
      partition.error_message.reset();
      partition.partition_index = asked_partition.partition_index;
      if (!is_metadata_topic(asked) || asked_partition.partition_index != 0) {
        partition.error_code = protocol::ErrorCode::kUnknownTopicOrPartition;
      } else if (std::exchange(described, true)) {
        partition.error_code = protocol::ErrorCode::kInvalidRequest;
      } else {
        describe_partition(raft, clock, partition);
      }
    }
  }
  for (const auto& [id, voter] : raft.voters().latest().all()) {
    auto& node = response.nodes.emplace_back();
    node.node_id = id;
    add_listeners(voter.endpoints, node.listeners);
  }
  return response;
}

}  // namespace longhaul::broker::raft
