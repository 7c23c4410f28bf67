#include "tests/sim/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"

namespace longhaul::sim {

using protocol::ErrorCode;

namespace {

constexpr Time kPause = std::chrono::milliseconds(300);
constexpr uint64_t kNames = 4;
constexpr int32_t kMostPartitions = 6;

}  // namespace

void Admin::work() {
  later(kPause, [this] { turn(); });
}

void Admin::turn() {
  if (!is_busy()) {
    if (world_.simulation.chance(25)) {
      delete_records();
    } else if (region_.is_disturbed() && region_.replication_factor() > 1 &&
               world_.simulation.chance(30)) {
      reassign();
    } else {
      change();
    }
  }
  later(kPause, [this] { turn(); });
}

void Admin::change() {
  std::string name = fmt::format("changing.{}", world_.random().below(kNames));
  const Topic* topic = topics_.find(name);
  if (!topic) {
    create({.name = name,
            .partitions = 1 + static_cast<int32_t>(world_.random().below(3)),
            .may_change = true,
            .promise = {},
            .options = {{"segment.ms", "1000"}, {"file.delete.delay.ms", "1000"}}});
  } else if (topic->state == Topic::State::kThere) {
    bool grows = topic->partitions < kMostPartitions && world_.simulation.chance(40);
    grows ? grow(*topic) : remove(*topic);
  }
}

void Admin::check(const char* what, const std::string& topic, ErrorCode code) {
  // What a controller has done may be asked for again, if it was lost before it said so.
  bool passes = code == ErrorCode::kTopicAlreadyExists ||
                code == ErrorCode::kUnknownTopicOrPartition ||
                code == ErrorCode::kInvalidPartitions;
  // A broker may not have been registered at that moment, nothing be under way that could be called
  // off, or a new leader not know yet how much is committed.
  passes |= code == ErrorCode::kInvalidReplicationFactor ||
            code == ErrorCode::kInvalidReplicaAssignment ||
            code == ErrorCode::kNoReassignmentInProgress || code == ErrorCode::kOffsetOutOfRange;
  if (!is_wrong(code) || (passes && !region_.is_alone())) return;
  world_.findings.add("{}: {} of {} is refused: {}", name(), what, topic, protocol::name(code));
}

void Admin::create(const NewTopic& topic) {
  topics_.creating({.name = topic.name,
                    .id = {},
                    .partitions = topic.partitions,
                    .most_partitions = topic.partitions,
                    .may_change = topic.may_change,
                    .promise = topic.promise});
  protocol::CreateTopicsRequest request;
  auto& wanted = request.topics.emplace_back();
  wanted.name = topic.name;
  wanted.num_partitions = topic.partitions;
  wanted.replication_factor = region_.replication_factor();
  for (const auto& [option, value] : topic.options) wanted.configs.push_back({option, value});
  request.timeout_ms = 10'000;
  ask<protocol::CreateTopicsResponse>(anybody(), std::move(request),
                                      [this, name = topic.name](auto reply) {
                                        if (!reply) return;
                                        const auto& answer = reply->message.topics.at(0);
                                        check("CreateTopics", name, answer.error_code);
                                        if (answer.error_code == ErrorCode::kNone)
                                          topics_.created(name, answer.topic_id);
                                      });
}

void Admin::grow(const Topic& topic) {
  int32_t partitions = topic.partitions + 1;
  protocol::CreatePartitionsRequest request;
  request.topics.push_back({.name = topic.name, .count = partitions, .assignments = std::nullopt});
  request.timeout_ms = 10'000;
  topics_.growing(topic.name, partitions);
  auto done = [this, name = topic.name, partitions](auto reply) {
    if (!reply) return;
    const auto& answer = reply->message.results.at(0);
    check("CreatePartitions", name, answer.error_code);
    if (answer.error_code == ErrorCode::kNone) topics_.grown(name, partitions);
  };
  ask<protocol::CreatePartitionsResponse>(anybody(), std::move(request), 0, std::move(done));
}

void Admin::remove(const Topic& topic) {
  protocol::DeleteTopicsRequest request;
  request.topics.push_back({.name = topic.name, .topic_id = {}});
  request.topic_names = {topic.name};
  request.timeout_ms = 10'000;
  std::string name = topic.name;
  topics_.deleting(name);
  ask<protocol::DeleteTopicsResponse>(anybody(), std::move(request), 1, [this, name](auto reply) {
    if (!reply) return;
    ErrorCode code = reply->message.responses.at(0).error_code;
    check("DeleteTopics", name, code);
    if (code == ErrorCode::kNone) topics_.deleted(name);
  });
}

std::vector<int32_t> Admin::some_brokers() {
  std::vector<int32_t> ids;
  for (const auto& host : region_.hosts()) ids.push_back(host->id());
  for (size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[world_.random().below(i)]);
  ids.resize(static_cast<size_t>(region_.replication_factor()));
  return ids;
}

/// Any partition, as many replicas as before; now and then what is under way is called off.
void Admin::reassign() {
  static constexpr const char* kOffsets = "__consumer_offsets";
  std::vector<PartitionId> all = topics_.partitions();
  size_t chosen = world_.random().below(all.size() + 1);
  std::string name = chosen < all.size() ? topics_.find(all[chosen].topic)->name : kOffsets;
  protocol::AlterPartitionReassignmentsRequest request;
  auto& partition = request.topics.emplace_back();
  partition.name = name;
  auto& wanted = partition.partitions.emplace_back();
  wanted.partition_index = chosen < all.size() ? all[chosen].index : 0;
  if (world_.simulation.chance(85)) wanted.replicas = some_brokers();
  request.timeout_ms = 10'000;
  world_.trace.line(this->name(), "wants {}-{} to be on {}", name, wanted.partition_index,
                    fmt::join(wanted.replicas.value_or(std::vector<int32_t>{}), " "));
  auto done = [this, name](auto reply) {
    if (!reply) return;
    check("AlterPartitionReassignments", name, reply->message.error_code);
    if (reply->message.responses.empty()) return;
    ErrorCode code = reply->message.responses.at(0).partitions.at(0).error_code;
    check("AlterPartitionReassignments", name, code);
    if (code == ErrorCode::kNone) ++world_.counts["reassignments"];
  };
  ask<protocol::AlterPartitionReassignmentsResponse>(anybody(), std::move(request),
                                                     std::move(done));
}

void Admin::delete_records() {
  std::vector<PartitionId> all = topics_.partitions();
  std::erase_if(all, [this](const PartitionId& each) {
    return !topics_.find(each.topic)->promise.is_pruned;
  });
  if (all.empty()) return;
  PartitionId partition = all[world_.random().below(all.size())];
  int64_t offset = history_.choose_deletion(partition, world_.random());
  if (offset < 0) return;
  std::string name = topics_.find(partition.topic)->name;
  protocol::DeleteRecordsRequest request;
  request.topics.push_back(
      {.name = name, .partitions = {{.partition_index = partition.index, .offset = offset}}});
  request.timeout_ms = region_.is_alone() ? 10'000 : 1'500;
  history_.deleting(partition, offset);
  world_.trace.line(this->name(), "deletes {}-{} below {}", name, partition.index, offset);
  auto done = [this, name, partition, offset](auto reply) {
    if (!reply) return find_leaders();
    const auto& answer = reply->message.topics.at(0).partitions.at(0);
    check("DeleteRecords", name, answer.error_code);
    if (answer.error_code != ErrorCode::kNone) return find_leaders();
    if (answer.low_watermark < offset) {
      world_.findings.add("{}: {}-{} is said to be deleted below {}, and begins at {}",
                          this->name(), name, partition.index, offset, answer.low_watermark);
    }
    history_.deleted(partition, answer.low_watermark);
    ++world_.counts["deletions of records"];
  };
  ask<protocol::DeleteRecordsResponse>(leader_of(partition), std::move(request), 0,
                                       std::move(done));
}

}  // namespace longhaul::sim
