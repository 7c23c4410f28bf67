#include "broker/partition/isr_updater.h"

#include <algorithm>

namespace longhaul::broker::partition {

using protocol::AlterPartitionRequest;
using protocol::AlterPartitionResponse;

std::shared_ptr<IsrUpdater> IsrUpdater::create(Params params) {
  return std::shared_ptr<IsrUpdater>(new IsrUpdater(std::move(params)));
}

void IsrUpdater::propose(const log::TopicPartition& partition, const base::Uuid& topic_id,
                         IsrProposal proposal) {
  {
    std::lock_guard lock(mutex_);
    proposals_.insert_or_assign(partition, Waiting{topic_id, std::move(proposal)});
    if (std::exchange(scheduled_, true)) return;
  }
  params_.loop->post([self = shared_from_this()] { self->send(); });
}

void IsrUpdater::send() {
  Proposals proposals;
  {
    std::lock_guard lock(mutex_);
    proposals = std::exchange(proposals_, {});
    scheduled_ = !proposals.empty();
  }
  if (proposals.empty() || stopped_) return;
  AlterPartitionRequest message = request(proposals);
  params_.send(std::move(message), [self = shared_from_this(), proposals = std::move(proposals)](
                                       const AlterPartitionResponse& response) mutable {
    self->answered(std::move(proposals), response);
  });
}

AlterPartitionRequest IsrUpdater::request(const Proposals& proposals) const {
  AlterPartitionRequest request;
  request.broker_id = params_.broker_id;
  request.broker_epoch = params_.broker_epoch();
  for (const auto& [id, waiting] : proposals) {
    auto& topics = request.topics;
    if (topics.empty() || topics.back().topic_id != waiting.topic_id) {
      topics.push_back({.topic_id = waiting.topic_id});
    }
    auto& partition = topics.back().partitions.emplace_back();
    partition.partition_index = id.partition;
    partition.leader_epoch = waiting.proposal.leader_epoch;
    partition.partition_epoch = waiting.proposal.partition_epoch;
    for (const IsrMember& member : waiting.proposal.isr) {
      partition.new_isr_with_epochs.push_back(
          {.broker_id = member.broker_id, .broker_epoch = member.broker_epoch});
    }
  }
  return request;
}

void IsrUpdater::answered(Proposals sent, const AlterPartitionResponse& response) {
  if (stopped_) return;
  if (response.error_code != ErrorCode::kNone) {
    params_.logger.debug("the controller decided no change of in-sync replicas: {}",
                         protocol::name(response.error_code));
    return send_again(std::move(sent));
  }
  for (const auto& topic : response.topics) {
    for (const auto& answer : topic.partitions) {
      auto of = std::find_if(sent.begin(), sent.end(), [&](const auto& each) {
        return each.second.topic_id == topic.topic_id &&
               each.first.partition == answer.partition_index;
      });
      if (of != sent.end() && decided(of->first, of->second, answer)) sent.erase(of);
    }
  }
  if (!sent.empty()) return send_again(std::move(sent));
  send();
}

bool IsrUpdater::decided(const log::TopicPartition& id, const Waiting& sent,
                         const AlterPartitionResponse::PartitionData& answer) {
  std::shared_ptr<Partition> partition = params_.find(id);
  if (!partition || partition->topic_id() != sent.topic_id) return true;
  switch (answer.error_code) {
    case ErrorCode::kNone:
      partition->isr_decided({.isr = answer.isr,
                              .leader_epoch = answer.leader_epoch,
                              .partition_epoch = answer.partition_epoch});
      return true;
    case ErrorCode::kOperationNotAttempted:
    case ErrorCode::kIneligibleReplica:
      partition->isr_refused(sent.proposal);
      return true;
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kUnknownTopicId:
    case ErrorCode::kFencedLeaderEpoch:
    case ErrorCode::kInvalidUpdateVersion:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kNewLeaderElected:
      // The metadata went on without us, perhaps by this very proposal sent before: whoever was to
      // join counts until we see it.
      params_.logger.info("{}: a change of in-sync replicas comes too late: {}", id.to_string(),
                          protocol::name(answer.error_code));
      return true;
    default:
      return false;
  }
}

void IsrUpdater::send_again(Proposals proposals) {
  {
    std::lock_guard lock(mutex_);
    proposals_.merge(proposals);  // what was proposed meanwhile is newer
  }
  params_.loop->after(params_.retry, [self = shared_from_this()] { self->send(); });
}

}  // namespace longhaul::broker::partition
