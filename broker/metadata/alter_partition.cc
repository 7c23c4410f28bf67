// AlterPartition: a leader changes its ISR (KIP-497, KIP-841, KIP-903, KIP-704).
#include <algorithm>
#include <utility>
#include <vector>

#include "broker/metadata/controller.h"
#include "broker/metadata/partition_updates.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;
using IsrRequest = protocol::AlterPartitionRequest;
using IsrWanted = IsrRequest::PartitionData;
using IsrMembers = std::vector<IsrRequest::BrokerState>;
using IsrAnswer = protocol::AlterPartitionResponse::PartitionData;

/// Version 2 names no broker epochs.
IsrMembers members(const IsrWanted& wanted) {
  IsrMembers result = wanted.new_isr_with_epochs;
  for (int32_t id : wanted.new_isr) result.push_back({id, -1});
  return result;
}

std::vector<int32_t> ids_of(const IsrMembers& members) {
  std::vector<int32_t> ids;
  for (const auto& member : members) ids.push_back(member.broker_id);
  return ids;
}

ErrorCode check_epochs(int32_t broker, const Partition& partition, const IsrWanted& wanted) {
  // A leader that knows more than we do has heard of a newer controller.
  if (wanted.leader_epoch > partition.leader_epoch ||
      wanted.partition_epoch > partition.partition_epoch)
    return ErrorCode::kNotController;
  if (wanted.leader_epoch < partition.leader_epoch) return ErrorCode::kFencedLeaderEpoch;
  if (broker != partition.leader) return ErrorCode::kInvalidRequest;
  if (wanted.partition_epoch < partition.partition_epoch) return ErrorCode::kInvalidUpdateVersion;
  return ErrorCode::kNone;
}

ErrorCode check_isr(const Partition& partition, const IsrWanted& wanted) {
  std::vector<int32_t> isr = ids_of(members(wanted));
  bool recovering = wanted.leader_recovery_state == kRecovering;
  std::vector<int32_t> sorted = isr;
  std::sort(sorted.begin(), sorted.end());
  bool twice = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  bool strangers = !without(isr, partition.replicas).empty();
  bool known_state = recovering || wanted.leader_recovery_state == kRecovered;
  bool falls_back = recovering && partition.leader_recovery_state == kRecovered;
  // A leader without itself steps down: another member leads.
  if (isr.empty() || twice || strangers || !known_state || falls_back ||
      (recovering && (isr.size() > 1 || !holds(isr, partition.leader))))
    return ErrorCode::kInvalidRequest;
  return ErrorCode::kNone;
}

bool all_eligible(const ControllerInput& input, const PartitionUpdates& updates,
                  const Partition& partition, const IsrMembers& isr) {
  return std::all_of(isr.begin(), isr.end(), [&](const auto& member) {
    const Broker* broker = input.image.broker(member.broker_id);
    return broker != nullptr && updates.may_lead(partition, member.broker_id) &&
           (member.broker_epoch == -1 || member.broker_epoch == broker->epoch);
  });
}

/// One request's worth of decisions.
class IsrAlteration {
 public:
  IsrAlteration(const ControllerInput& input, const IsrRequest& request)
      : input_(input), request_(request), updates_(input) {}

  IsrAnswer decide(const base::Uuid& topic_id, const IsrWanted& wanted, MetadataRecords& records) {
    IsrAnswer answer;
    answer.partition_index = wanted.partition_index;
    const Topic* topic = input_.image.topic(topic_id);
    const Partition* partition =
        topic == nullptr ? nullptr : topic->partition(wanted.partition_index);
    if (topic == nullptr) {
      answer.error_code = ErrorCode::kUnknownTopicId;
    } else if (partition == nullptr) {
      answer.error_code = ErrorCode::kUnknownTopicOrPartition;
    } else {
      answer.error_code = claim(topic_id, wanted.partition_index, records);
      if (answer.error_code == ErrorCode::kNone) answer.error_code = check(*partition, wanted);
    }
    if (answer.error_code == ErrorCode::kNone) alter(*topic, *partition, wanted, records, answer);
    return answer;
  }

 private:
  /// For want of room the leader asks again; upon INVALID_REQUEST it would not.
  ErrorCode claim(const base::Uuid& topic, int32_t index, const MetadataRecords& records) {
    auto claim = updates_.claim(topic, index, records);
    if (claim == PartitionUpdates::Claim::kTwice) return ErrorCode::kInvalidRequest;
    return claim == PartitionUpdates::Claim::kFull ? ErrorCode::kRequestTimedOut : ErrorCode::kNone;
  }
  ErrorCode check(const Partition& partition, const IsrWanted& wanted) const {
    ErrorCode error = check_epochs(request_.broker_id, partition, wanted);
    if (error == ErrorCode::kNone) error = check_isr(partition, wanted);
    if (error == ErrorCode::kNone && !all_eligible(input_, updates_, partition, members(wanted)))
      error = ErrorCode::kIneligibleReplica;
    return error;
  }

  void alter(const Topic& topic, const Partition& before, const IsrWanted& wanted,
             MetadataRecords& records, IsrAnswer& answer) {
    PartitionTarget target = PartitionTarget::of(before);
    target.isr = ids_of(members(wanted));
    target.leader_recovery_state = wanted.leader_recovery_state;
    auto record = updates_.change(topic, wanted.partition_index, std::move(target));
    answer.leader_id = before.leader;
    answer.leader_epoch = before.leader_epoch;
    answer.isr = before.isr;
    answer.leader_recovery_state = wanted.leader_recovery_state;
    answer.partition_epoch = before.partition_epoch;
    if (!record) return;
    // The change may complete a reassignment and with it take the lead away: both an error and a
    // change, so that the leader waits for the metadata.
    if (record->leader != kLeaderUnchanged && record->leader != request_.broker_id) {
      answer = IsrAnswer{};
      answer.partition_index = wanted.partition_index;
      answer.error_code = ErrorCode::kNewLeaderElected;
    } else {
      if (record->isr) answer.isr = *record->isr;
      answer.leader_epoch += record->leader != kLeaderUnchanged ? 1 : 0;
      ++answer.partition_epoch;
    }
    records.emplace_back(std::move(*record));
  }

  const ControllerInput& input_;
  const IsrRequest& request_;
  PartitionUpdates updates_;
};

}  // namespace

Decision<protocol::AlterPartitionResponse> alter_partition(const ControllerInput& input,
                                                           const IsrRequest& request) {
  Decision<protocol::AlterPartitionResponse> decision;
  decision.response.error_code =
      check_broker_epoch(input.image, request.broker_id, request.broker_epoch);
  if (decision.response.error_code != ErrorCode::kNone) return decision;
  IsrAlteration alteration(input, request);
  for (const auto& topic : request.topics) {
    auto& answers = decision.response.topics.emplace_back();
    answers.topic_id = topic.topic_id;
    for (const IsrWanted& wanted : topic.partitions) {
      answers.partitions.push_back(alteration.decide(topic.topic_id, wanted, decision.records));
    }
  }
  return decision;
}

}  // namespace longhaul::broker::metadata
