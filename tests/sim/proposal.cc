#include "tests/sim/proposal.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "protocol/messages/alter_partition.h"

namespace longhaul::sim {

namespace {

using protocol::AlterPartitionRequest;
using protocol::AlterPartitionResponse;

/// Somebody who is to be in sync, and is not.
struct Laggard {
  base::Uuid topic_id;
  int32_t partition = 0;
  int32_t broker_id = 0;
  std::string told;  // what there is to say of it
};

std::shared_ptr<broker::log::Log> log_of(Host* host, const base::Uuid& topic_id,
                                         int32_t partition) {
  // One that is not in the metadata yet may have lost what it had: who does not know of it yet is
  // refused.
  if (!host || !host->node() || !host->node()->is_ready()) return nullptr;
  for (const auto& log : host->node()->logs().logs()) {
    if (log->topic_id() == topic_id && log->id().partition == partition) return log;
  }
  return nullptr;
}

std::vector<Laggard> laggards(Region& region, const std::string& leader,
                              const AlterPartitionRequest& request) {
  std::vector<Laggard> found;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      int32_t index = partition.partition_index;
      auto ours = log_of(region.find(leader), topic.topic_id, index);
      if (!ours) continue;
      for (const auto& member : partition.new_isr_with_epochs) {
        auto theirs = log_of(&region.host(member.broker_id), topic.topic_id, index);
        if (theirs && theirs->log_end_offset() < ours->high_watermark())
          found.push_back({topic.topic_id, index, member.broker_id,
                           fmt::format("{} has n{} taken for in sync in {}, where {} are committed "
                                       "and it has {}",
                                       leader, member.broker_id, ours->id().to_string(),
                                       ours->high_watermark(), theirs->log_end_offset())});
      }
    }
  }
  return found;
}

bool is_in_sync(const Laggard& laggard, const AlterPartitionResponse& response) {
  for (const auto& topic : response.topics) {
    if (topic.topic_id != laggard.topic_id) continue;
    for (const auto& partition : topic.partitions) {
      if (partition.partition_index != laggard.partition) continue;
      return partition.error_code == protocol::ErrorCode::kNone &&
             std::ranges::find(partition.isr, laggard.broker_id) != partition.isr.end();
    }
  }
  return false;
}

}  // namespace

client::Channel::Answer judge_proposal(Region& region, const std::string& leader,
                                       base::ByteView frame, client::Channel::Answer answer) {
  auto parsed = protocol::parse_request(frame);
  auto request = parsed ? AlterPartitionRequest::decode(parsed->body, parsed->version)
                        : tl::unexpected(parsed.error());
  if (!request) return answer;  // its receiver says so
  return [&region, found = laggards(region, leader, *request),
          answer = std::move(answer)](base::Result<client::RawReply> reply) mutable {
    auto response = reply ? AlterPartitionResponse::decode(reply->body, reply->version)
                          : tl::unexpected(reply.error());
    for (const Laggard& laggard : found) {
      if (response && is_in_sync(laggard, *response))
        region.world().findings.add("{}", laggard.told);
    }
    answer(std::move(reply));
  };
}

}  // namespace longhaul::sim
