// AlterPartitionReassignments and ListPartitionReassignments (KIP-455, KIP-860).
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "broker/metadata/controller.h"
#include "broker/metadata/partition_updates.h"
#include "broker/metadata/placement.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using ReassignmentRequest = protocol::AlterPartitionReassignmentsRequest;
using WantedReplicas = ReassignmentRequest::ReassignablePartition;
using ListedReassignments = protocol::ListPartitionReassignmentsResponse::OngoingTopicReassignment;
using ChangeResult = KafkaResult<std::optional<protocol::PartitionChangeRecord>>;

bool is_reassigning(const Partition& partition) {
  return !partition.adding.empty() || !partition.removing.empty();
}

/// One request's worth of decisions.
class Reassignment {
 public:
  Reassignment(const ControllerInput& input, const ReassignmentRequest& request)
      : input_(input), request_(request), updates_(input) {}

  KafkaResult<> decide(const std::string& name, const WantedReplicas& wanted,
                       MetadataRecords& records);

 private:
  ChangeResult cancel(const Topic& topic, int32_t index);
  ChangeResult begin(const Topic& topic, int32_t index, const std::vector<int32_t>& replicas);
  KafkaResult<> check_factor(const Partition& partition, size_t wanted) const;

  const ControllerInput& input_;
  const ReassignmentRequest& request_;
  PartitionUpdates updates_;
};

KafkaResult<> Reassignment::decide(const std::string& name, const WantedReplicas& wanted,
                                   MetadataRecords& records) {
  const Topic* topic = input_.image.topic(name);
  // Without the name: there may be any number of indexes beneath one.
  if (topic == nullptr)
    return kafka_fail(ErrorCode::kUnknownTopicOrPartition, "Unable to find the topic.");
  int32_t index = wanted.partition_index;
  if (topic->partition(index) == nullptr)
    return kafka_fail(ErrorCode::kUnknownTopicOrPartition, "Unable to find the partition.");
  auto claim = updates_.claim(topic->id, index, records);
  if (claim == PartitionUpdates::Claim::kTwice)
    return kafka_fail(ErrorCode::kInvalidRequest, "The partition is in the request twice.");
  if (claim == PartitionUpdates::Claim::kFull)
    return kafka_fail(ErrorCode::kPolicyViolation, "Too many reassignments in one request.");
  ChangeResult change =
      wanted.replicas ? begin(*topic, index, *wanted.replicas) : cancel(*topic, index);
  if (!change) return tl::unexpected(change.error());
  if (*change) records.emplace_back(std::move(**change));
  return {};
}

/// Replicas that were being added go, those that were to go stay.
ChangeResult Reassignment::cancel(const Topic& topic, int32_t index) {
  const Partition& partition = *topic.partition(index);
  if (!is_reassigning(partition))
    return kafka_fail(ErrorCode::kNoReassignmentInProgress,
                      "No partition reassignment is in progress.");
  PartitionTarget target = PartitionTarget::of(partition);
  target.replicas = without(partition.replicas, partition.adding);
  target.isr = without(partition.isr, partition.adding);
  target.adding.clear();
  target.removing.clear();
  if (target.isr.empty()) {
    // Only replicas that were being added have all the data.
    if (!updates_.unclean_allowed(topic))
      return kafka_fail(ErrorCode::kInvalidReplicaAssignment,
                        fmt::format("Unable to revert partition assignment for {}:{} because it "
                                    "would require an unclean leader election.",
                                    topic.name, index));
    bool anybody = std::any_of(target.replicas.begin(), target.replicas.end(),
                               [&](int32_t id) { return updates_.may_lead(partition, id); });
    if (!anybody)
      return kafka_fail(ErrorCode::kInvalidReplicaAssignment,
                        fmt::format("Unable to revert partition assignment for {}:{} because none "
                                    "of its replicas is alive.",
                                    topic.name, index));
  }
  return updates_.change(topic, index, std::move(target));
}

KafkaResult<> Reassignment::check_factor(const Partition& partition, size_t wanted) const {
  // That is, once a reassignment under way is done.
  size_t now = without(partition.replicas, partition.removing).size();
  if (request_.allow_replication_factor_change || wanted == now) return {};
  return kafka_fail(ErrorCode::kInvalidReplicationFactor,
                    fmt::format("The replication factor is changed from {} to {}", now, wanted));
}

ChangeResult Reassignment::begin(const Topic& topic, int32_t index,
                                 const std::vector<int32_t>& replicas) {
  const Partition& partition = *topic.partition(index);
  if (auto checked = check_manual(input_.image, replicas, std::nullopt); !checked)
    return tl::unexpected(checked.error());
  if (auto checked = check_factor(partition, replicas.size()); !checked)
    return tl::unexpected(checked.error());
  PartitionTarget target = PartitionTarget::of(partition);
  target.removing = without(partition.replicas, replicas);
  target.adding.clear();
  for (int32_t id : replicas) {
    if (!holds(partition.replicas, id) || holds(partition.adding, id)) target.adding.push_back(id);
  }
  target.replicas = replicas;
  target.replicas.insert(target.replicas.end(), target.removing.begin(), target.removing.end());
  return updates_.change(topic, index, std::move(target));
}

void list_one(const Topic& topic, int32_t index, ListedReassignments& listed) {
  const Partition* partition = topic.partition(index);
  if (partition == nullptr || !is_reassigning(*partition)) return;
  auto& entry = listed.partitions.emplace_back();
  entry.partition_index = index;
  entry.replicas = partition->replicas;
  entry.adding_replicas = partition->adding;
  entry.removing_replicas = partition->removing;
}

}  // namespace

Decision<protocol::AlterPartitionReassignmentsResponse> alter_partition_reassignments(
    const ControllerInput& input, const ReassignmentRequest& request) {
  Decision<protocol::AlterPartitionReassignmentsResponse> decision;
  decision.response.error_message.reset();
  decision.response.allow_replication_factor_change = request.allow_replication_factor_change;
  Reassignment reassignment(input, request);
  for (const auto& topic : request.topics) {
    auto& answers = decision.response.responses.emplace_back();
    answers.name = topic.name;
    for (const WantedReplicas& wanted : topic.partitions) {
      KafkaResult<> result = reassignment.decide(topic.name, wanted, decision.records);
      auto& answer = answers.partitions.emplace_back();
      answer.partition_index = wanted.partition_index;
      answer.error_message.reset();
      if (result) continue;
      answer.error_code = result.error().code;
      answer.error_message = result.error().message;
    }
  }
  return decision;
}

Decision<protocol::ListPartitionReassignmentsResponse> list_partition_reassignments(
    const ControllerInput& input, const protocol::ListPartitionReassignmentsRequest& request) {
  const MetadataImage& image = input.image;
  Decision<protocol::ListPartitionReassignmentsResponse> decision;
  protocol::ListPartitionReassignmentsResponse& response = decision.response;
  response.error_message.reset();
  auto put = [&](ListedReassignments listed) {
    if (!listed.partitions.empty()) response.topics.push_back(std::move(listed));
  };
  if (request.topics) {
    // However often the request names a partition.
    std::map<std::string, std::set<int32_t>> asked;
    for (const auto& wanted : *request.topics)
      asked[wanted.name].insert(wanted.partition_indexes.begin(), wanted.partition_indexes.end());
    for (const auto& [name, indexes] : asked) {
      ListedReassignments listed{name, {}};
      const Topic* topic = image.topic(name);
      if (topic == nullptr) continue;
      for (int32_t index : indexes) list_one(*topic, index, listed);
      put(std::move(listed));
    }
    return decision;
  }
  image.topics.for_each([&](const base::Uuid&, const Shared<Topic>& topic) {
    ListedReassignments listed{topic->name, {}};
    for (size_t i = 0; i < topic->partitions.size(); ++i)
      list_one(*topic, static_cast<int32_t>(i), listed);
    put(std::move(listed));
  });
  return decision;
}

}  // namespace longhaul::broker::metadata
