#include "broker/groups/commit.h"

namespace longhaul::broker::groups {

using protocol::ErrorCode;

namespace {

using FetchedPartition = protocol::OffsetFetchResponse::OffsetFetchResponsePartitions;

FetchedPartition fetched(int32_t partition, const CommittedOffset* offset) {
  FetchedPartition shown;
  shown.partition_index = partition;
  shown.committed_offset = offset ? offset->offset : -1;
  shown.committed_leader_epoch = offset ? offset->leader_epoch : -1;
  shown.metadata = offset ? offset->metadata : "";
  return shown;
}

}  // namespace

Commit::Commit(const protocol::OffsetCommitRequest& request, const GroupConfig& config,
               int64_t now_ms)
    : group_(request.group_id) {
  for (const auto& topic : request.topics) {
    auto& shown = response_.topics.emplace_back();
    shown.name = topic.name;
    shown.topic_id = topic.topic_id;
    for (const auto& each : topic.partitions) {
      std::string metadata = each.committed_metadata.value_or("");
      bool fits = metadata.size() <= static_cast<size_t>(config.offset_metadata_max_bytes);
      shown.partitions.push_back(
          {.partition_index = each.partition_index,
           .error_code = fits ? ErrorCode::kNone : ErrorCode::kOffsetMetadataTooLarge});
      if (!fits) continue;
      CommittedOffset offset{.offset = each.committed_offset,
                             .leader_epoch = each.committed_leader_epoch,
                             .metadata = std::move(metadata),
                             .commit_time_ms = now_ms,
                             .expire_time_ms = {}};
      if (request.retention_time_ms >= 0)
        offset.expire_time_ms = now_ms + request.retention_time_ms;
      accepted_.emplace_back(OffsetKey{group_, topic.name, each.partition_index},
                             std::move(offset));
    }
  }
}

std::vector<KeyValue> Commit::records() const {
  std::vector<KeyValue> records;
  records.reserve(accepted_.size());
  for (const auto& [key, offset] : accepted_) records.push_back(encode_offset(key, offset));
  return records;
}

void Commit::apply(Group& group) const {
  for (const auto& [key, offset] : accepted_) group.offsets[key.topic][key.partition] = offset;
}

protocol::OffsetCommitResponse Commit::response(ErrorCode outcome) const {
  protocol::OffsetCommitResponse response = response_;
  if (outcome == ErrorCode::kNone) return response;
  for (auto& topic : response.topics) {
    for (auto& each : topic.partitions) {
      if (each.error_code == ErrorCode::kNone) each.error_code = outcome;
    }
  }
  return response;
}

protocol::OffsetCommitResponse refuse_commit(const protocol::OffsetCommitRequest& request,
                                             ErrorCode why) {
  protocol::OffsetCommitResponse response;
  for (const auto& topic : request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    shown.topic_id = topic.topic_id;
    for (const auto& each : topic.partitions) {
      shown.partitions.push_back({.partition_index = each.partition_index, .error_code = why});
    }
  }
  return response;
}

ErrorCode commit_error(ErrorCode append_error) {
  switch (append_error) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kNotEnoughReplicasAfterAppend:
    case ErrorCode::kRequestTimedOut:
      return ErrorCode::kCoordinatorNotAvailable;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kKafkaStorageError:
      return ErrorCode::kNotCoordinator;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidFetchSize:
      return ErrorCode::kInvalidCommitOffsetSize;
    default:
      return append_error;
  }
}

void fill_fetched(const protocol::OffsetFetchRequest::OffsetFetchRequestGroup& request,
                  const Offsets& offsets,
                  protocol::OffsetFetchResponse::OffsetFetchResponseGroup& response) {
  if (!request.topics) {
    for (const auto& [name, partitions] : offsets) {
      auto& shown = response.topics.emplace_back();
      shown.name = name;
      for (const auto& [partition, offset] : partitions) {
        shown.partitions.push_back(fetched(partition, &offset));
      }
    }
    return;
  }
  for (const auto& topic : *request.topics) {
    auto& shown = response.topics.emplace_back();
    shown.name = topic.name;
    shown.topic_id = topic.topic_id;
    auto of_topic = offsets.find(topic.name);
    for (int32_t partition : topic.partition_indexes) {
      const CommittedOffset* offset = nullptr;
      if (of_topic != offsets.end()) {
        auto found = of_topic->second.find(partition);
        if (found != of_topic->second.end()) offset = &found->second;
      }
      shown.partitions.push_back(fetched(partition, offset));
    }
  }
}

}  // namespace longhaul::broker::groups
