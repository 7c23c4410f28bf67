// AssignReplicasToDirs (KIP-858).
#include <algorithm>
#include <utility>

#include "broker/metadata/controller.h"
#include "broker/metadata/partition_updates.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using DirectoryRequest = protocol::AssignReplicasToDirsRequest;

/// One request's worth of decisions.
class DirectoryAssignment {
 public:
  DirectoryAssignment(const ControllerInput& input, const Broker& broker)
      : input_(input), broker_(broker), updates_(input) {}

  ErrorCode assign(const base::Uuid& directory, const base::Uuid& topic_id, int32_t index,
                   MetadataRecords& records) {
    const Topic* topic = input_.image.topic(topic_id);
    if (topic == nullptr) return ErrorCode::kUnknownTopicId;
    const Partition* partition = topic->partition(index);
    if (partition == nullptr) return ErrorCode::kUnknownTopicOrPartition;
    auto at = std::find(partition->replicas.begin(), partition->replicas.end(), broker_.id);
    if (at == partition->replicas.end()) return ErrorCode::kNotLeaderOrFollower;
    auto claim = updates_.claim(topic_id, index, records);
    if (claim == PartitionUpdates::Claim::kTwice) return ErrorCode::kInvalidRequest;
    if (claim == PartitionUpdates::Claim::kFull) return ErrorCode::kRequestTimedOut;
    PartitionTarget target = PartitionTarget::of(*partition);
    auto& known = target.directories[static_cast<size_t>(at - partition->replicas.begin())];
    // Nothing can come from where nothing can be read. Without ELR the last in sync leads all the
    // same, as in Kafka.
    if (!is_online(broker_, known)) target.begun_anew = broker_.id;
    known = directory;
    if (!is_online(broker_, directory)) target.isr = without(target.isr, {broker_.id});
    if (auto record = updates_.change(*topic, index, std::move(target)))
      records.emplace_back(std::move(*record));
    return ErrorCode::kNone;
  }

 private:
  const ControllerInput& input_;
  const Broker& broker_;
  PartitionUpdates updates_;
};

}  // namespace

Decision<protocol::AssignReplicasToDirsResponse> assign_replicas_to_dirs(
    const ControllerInput& input, const DirectoryRequest& request) {
  Decision<protocol::AssignReplicasToDirsResponse> decision;
  decision.response.error_code =
      check_broker_epoch(input.image, request.broker_id, request.broker_epoch);
  if (decision.response.error_code != ErrorCode::kNone) return decision;
  DirectoryAssignment assignment(input, *input.image.broker(request.broker_id));
  for (const auto& directory : request.directories) {
    auto& answers = decision.response.directories.emplace_back();
    answers.id = directory.id;
    for (const auto& topic : directory.topics) {
      auto& of_topic = answers.topics.emplace_back();
      of_topic.topic_id = topic.topic_id;
      for (const auto& partition : topic.partitions) {
        auto& answer = of_topic.partitions.emplace_back();
        answer.partition_index = partition.partition_index;
        answer.error_code = assignment.assign(directory.id, topic.topic_id,
                                              partition.partition_index, decision.records);
      }
    }
  }
  return decision;
}

}  // namespace longhaul::broker::metadata
