// CreatePartitions (KIP-195).
#include <fmt/core.h>

#include <iterator>
#include <map>

#include "broker/metadata/controller.h"
#include "broker/metadata/placement.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using WantedGrowth = protocol::CreatePartitionsRequest::CreatePartitionsTopic;

KafkaResult<Assignment> assign(const ControllerInput& input, const Topic& topic,
                               const WantedGrowth& wanted, int32_t additional) {
  size_t replication_factor = topic.partitions.front()->replicas.size();
  if (!wanted.assignments)
    return place(input.image, additional, static_cast<int16_t>(replication_factor), input.random);
  if (wanted.assignments->size() != static_cast<size_t>(additional))
    return kafka_fail(ErrorCode::kInvalidReplicaAssignment,
                      fmt::format("Attempted to add {} additional partition(s), but only {} "
                                  "assignment(s) were specified.",
                                  additional, wanted.assignments->size()));
  Assignment result;
  for (const auto& chosen : *wanted.assignments) {
    if (auto checked = check_manual(input.image, chosen.broker_ids, replication_factor); !checked)
      return tl::unexpected(checked.error());
    result.push_back(chosen.broker_ids);
  }
  return result;
}

KafkaResult<MetadataRecords> grow(const ControllerInput& input, const WantedGrowth& wanted) {
  const Topic* topic = input.image.topic(wanted.name);
  if (topic == nullptr)
    return kafka_fail(ErrorCode::kUnknownTopicOrPartition, "there is no topic of this name");
  auto count = static_cast<int32_t>(topic->partitions.size());
  if (wanted.count == count)
    return kafka_fail(ErrorCode::kInvalidPartitions,
                      fmt::format("Topic already has {} partition(s).", count));
  if (wanted.count < count)
    return kafka_fail(ErrorCode::kInvalidPartitions,
                      fmt::format("The topic {} currently has {} partition(s); {} would not be an "
                                  "increase.",
                                  wanted.name, count, wanted.count));
  if (wanted.count - count > static_cast<int32_t>(kMaxRecordsPerRequest))
    return kafka_fail(ErrorCode::kPolicyViolation,
                      "Excessively large number of partitions per request.");
  auto assignment = assign(input, *topic, wanted, wanted.count - count);
  if (!assignment) return tl::unexpected(assignment.error());
  MetadataRecords records;
  for (size_t i = 0; i < assignment->size(); ++i) {
    auto partition =
        new_partition(input.image, topic->id, count + static_cast<int32_t>(i), (*assignment)[i]);
    if (!partition) return tl::unexpected(partition.error());
    records.emplace_back(std::move(*partition));
  }
  return records;
}

}  // namespace

Decision<protocol::CreatePartitionsResponse> create_partitions(
    const ControllerInput& input, const protocol::CreatePartitionsRequest& request) {
  Decision<protocol::CreatePartitionsResponse> decision;
  std::map<std::string, int> times;
  for (const WantedGrowth& wanted : request.topics) ++times[wanted.name];
  for (const WantedGrowth& wanted : request.topics) {
    int& left = times[wanted.name];
    if (left == 0) continue;  // answered already
    KafkaResult<MetadataRecords> records =
        left > 1
            ? kafka_fail(ErrorCode::kInvalidRequest, "the topic is in the request more than once")
            : grow(input, wanted);
    left = 0;
    if (records && decision.records.size() + records->size() > kMaxRecordsPerRequest)
      records = kafka_fail(ErrorCode::kPolicyViolation,
                           "Excessively large number of partitions per request.");
    auto& answer = decision.response.results.emplace_back();
    answer.name = wanted.name;
    if (!records) {
      answer.error_code = records.error().code;
      answer.error_message = records.error().message;
      continue;
    }
    std::move(records->begin(), records->end(), std::back_inserter(decision.records));
  }
  if (request.validate_only) decision.records.clear();
  return decision;
}

}  // namespace longhaul::broker::metadata
