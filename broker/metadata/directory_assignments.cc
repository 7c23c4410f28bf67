#include "broker/metadata/directory_assignments.h"

#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "broker/metadata/partition_change.h"
#include "protocol/error_code.h"

namespace longhaul::broker::metadata {

using protocol::ErrorCode;
using std::chrono::milliseconds;

void DirectoryAssignments::follow(const Shared<MetadataImage>& image,
                                  const MetadataChanges& changes) {
  image_ = image;
  for (const auto& [id, change] : changes.topics) {
    for (int32_t index : change.partitions) due_.emplace(id, index);
  }
  if (sent_.empty() && retry_ == 0) send();
}

void DirectoryAssignments::look_at(const base::Uuid& topic_id, int32_t partition) {
  due_.emplace(topic_id, partition);
  if (image_ && sent_.empty() && retry_ == 0) send();
}

void DirectoryAssignments::look_again() {
  due_.merge(std::exchange(nowhere_, {}));
  if (sent_.empty() && retry_ == 0) send();
}

std::optional<base::Uuid> DirectoryAssignments::news_of(const Replica& replica) {
  const Topic* topic = image_->topic(replica.first);
  const Partition* partition = topic == nullptr ? nullptr : topic->partition(replica.second);
  if (partition == nullptr || !holds(partition->replicas, params_.broker_id)) return std::nullopt;
  auto found = params_.directory_of(*topic, replica.second);
  if (!found) nowhere_.insert(replica);
  return found == partition->directory_of(params_.broker_id) ? std::nullopt : found;
}

protocol::AssignReplicasToDirsRequest DirectoryAssignments::next_request() {
  std::map<base::Uuid, std::map<base::Uuid, std::vector<int32_t>>> by_directory;
  while (!due_.empty() && sent_.size() < kMaxAssignmentsPerRequest) {
    Replica replica = *due_.begin();
    due_.erase(due_.begin());
    auto directory = news_of(replica);
    if (!directory) continue;
    by_directory[*directory][replica.first].push_back(replica.second);
    sent_.insert(replica);
  }
  protocol::AssignReplicasToDirsRequest request;
  request.broker_id = params_.broker_id;
  const Broker* self = image_->broker(params_.broker_id);
  request.broker_epoch = self == nullptr ? -1 : self->epoch;
  for (const auto& [id, topics] : by_directory) {
    auto& directory = request.directories.emplace_back();
    directory.id = id;
    for (const auto& [topic, partitions] : topics) {
      auto& of_topic = directory.topics.emplace_back();
      of_topic.topic_id = topic;
      for (int32_t index : partitions) of_topic.partitions.push_back({index});
    }
  }
  return request;
}

void DirectoryAssignments::send() {
  auto request = next_request();
  if (sent_.empty()) return;
  ReplyTo reply_to{params_.loop,
                   params_.clock->monotonic() + milliseconds(params_.request_timeout_ms)};
  params_.controller->ask(
      &assign_replicas_to_dirs, std::move(request), reply_to,
      [weak = weak_from_this()](const protocol::AssignReplicasToDirsResponse& response) {
        if (auto self = weak.lock()) self->answered(response);
      });
}

/// Whatever was not taken is looked at again: it may be gone by then.
void DirectoryAssignments::answered(const protocol::AssignReplicasToDirsResponse& response) {
  auto refused = std::exchange(sent_, {});
  for (const auto& directory : response.directories) {
    for (const auto& topic : directory.topics) {
      for (const auto& partition : topic.partitions) {
        if (partition.error_code == ErrorCode::kNone)
          refused.erase({topic.topic_id, partition.partition_index});
      }
    }
  }
  if (refused.empty()) return send();
  params_.logger.warn("the directories of {} replicas could not be told: {}", refused.size(),
                      protocol::name(response.error_code));
  due_.merge(refused);
  retry_ = params_.loop->after(milliseconds(params_.retry_ms), [weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr) return;
    self->retry_ = 0;
    self->send();
  });
}

}  // namespace longhaul::broker::metadata
