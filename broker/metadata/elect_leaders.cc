// ElectLeaders (KIP-460), and the elections that time asks for.
#include <algorithm>
#include <utility>

#include "broker/metadata/controller.h"
#include "broker/metadata/partition_updates.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using protocol::kafka_fail;
using protocol::KafkaResult;
using ElectionAnswers = protocol::ElectLeadersResponse::ReplicaElectionResult;

bool is_needed(const Partition& partition, Election election) {
  return election == Election::kPreferred ? partition.leader != partition.preferred()
                                          : partition.leader == kNoLeader;
}

/// One request's elections.
class AskedElections {
 public:
  AskedElections(const ControllerInput& input, Election election)
      : election_(election), updates_(input) {}

  /// `topic`: null if there is none of the name asked for.
  KafkaResult<> elect(const Topic* topic, int32_t index) {
    // Without the name: there may be any number of indexes beneath one.
    if (topic == nullptr) return kafka_fail(ErrorCode::kUnknownTopicOrPartition, "No such topic.");
    const Partition* partition = topic->partition(index);
    if (partition == nullptr)
      return kafka_fail(ErrorCode::kUnknownTopicOrPartition, "No such partition.");
    if (!is_needed(*partition, election_)) return kafka_fail(ErrorCode::kElectionNotNeeded);
    auto claim = updates_.claim(topic->id, index, records_);
    if (claim == PartitionUpdates::Claim::kTwice) return kafka_fail(ErrorCode::kElectionNotNeeded);
    if (claim == PartitionUpdates::Claim::kFull)
      return kafka_fail(ErrorCode::kPolicyViolation, "Too many elections in one request.");
    auto record = updates_.change(*topic, index, PartitionTarget::of(*partition), election_);
    if (!record)
      return kafka_fail(election_ == Election::kPreferred
                            ? ErrorCode::kPreferredLeaderNotAvailable
                            : ErrorCode::kEligibleLeadersNotAvailable);
    records_.emplace_back(std::move(*record));
    return {};
  }
  MetadataRecords take() { return std::move(records_); }

 private:
  Election election_;
  PartitionUpdates updates_;
  MetadataRecords records_;
};

void put_election(ElectionAnswers& answers, int32_t index, const KafkaResult<>& result) {
  auto& answer = answers.partition_result.emplace_back();
  answer.partition_id = index;
  answer.error_message.reset();
  if (result) return;
  answer.error_code = result.error().code;
  if (!result.error().message.empty()) answer.error_message = result.error().message;
}

/// Where nobody is named, what needs nothing is not answered for.
void elect_everywhere(const MetadataImage& image, AskedElections& elections,
                      protocol::ElectLeadersResponse& response) {
  image.topics.for_each([&](const base::Uuid&, const Shared<Topic>& topic) {
    ElectionAnswers answers;
    answers.topic = topic->name;
    for (int32_t i = 0; i < static_cast<int32_t>(topic->partitions.size()); ++i) {
      KafkaResult<> result = elections.elect(topic.get(), i);
      if (result || result.error().code != ErrorCode::kElectionNotNeeded)
        put_election(answers, i, result);
    }
    if (!answers.partition_result.empty())
      response.replica_election_results.push_back(std::move(answers));
  });
}

}  // namespace

Decision<protocol::ElectLeadersResponse> elect_leaders(
    const ControllerInput& input, const protocol::ElectLeadersRequest& request) {
  Decision<protocol::ElectLeadersResponse> decision;
  constexpr int8_t kPreferredType = 0, kUncleanType = 1;
  if (request.election_type != kPreferredType && request.election_type != kUncleanType) {
    decision.response.error_code = ErrorCode::kInvalidRequest;
    return decision;
  }
  bool unclean = request.election_type == kUncleanType;
  AskedElections elections(input, unclean ? Election::kUnclean : Election::kPreferred);
  if (!request.topic_partitions) {
    elect_everywhere(input.image, elections, decision.response);
  } else {
    for (const auto& topic : *request.topic_partitions) {
      auto& answers = decision.response.replica_election_results.emplace_back();
      answers.topic = topic.topic;
      const Topic* known = input.image.topic(topic.topic);
      for (int32_t index : topic.partitions)
        put_election(answers, index, elections.elect(known, index));
    }
  }
  decision.records = elections.take();
  return decision;
}

MetadataRecords balance_leaders(const ControllerInput& input) {
  MetadataRecords records;
  PartitionUpdates updates(input);
  input.image.topics.for_each([&](const base::Uuid&, const Shared<Topic>& topic) {
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      const Partition& partition = *topic->partitions[i];
      int32_t preferred = partition.preferred();
      bool can = partition.leader != kNoLeader && partition.leader != preferred &&
                 holds(partition.isr, preferred) && updates.may_lead(partition, preferred);
      if (!can || records.size() >= kMaxElectionsPerRound) continue;
      auto record = updates.change(*topic, static_cast<int32_t>(i), PartitionTarget::of(partition),
                                   Election::kPreferred);
      if (record) records.emplace_back(std::move(*record));
    }
  });
  return records;
}

MetadataRecords elect_unclean(const ControllerInput& input) {
  MetadataRecords records;
  PartitionUpdates updates(input);
  BrokerTopic first{kNoLeader, {}};
  input.image.roles.from(first, [&](const BrokerTopic& key, const BrokerRoles&) {
    if (key.broker != kNoLeader) return false;
    const Topic& topic = *input.image.topic(key.topic);
    for (size_t i = 0; updates.unclean_allowed(topic) && i < topic.partitions.size(); ++i) {
      if (topic.partitions[i]->leader != kNoLeader) continue;
      if (records.size() >= kMaxRecordsPerRequest) return false;
      if (auto record = updates.settle(topic, static_cast<int32_t>(i)))
        records.emplace_back(std::move(*record));
    }
    return true;
  });
  return records;
}

}  // namespace longhaul::broker::metadata
