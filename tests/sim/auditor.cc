#include "tests/sim/auditor.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/fetch.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_fetch.h"

namespace longhaul::sim {

using protocol::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr int64_t kEarliest = -2;
constexpr int64_t kLatest = -1;
constexpr int kTries = 300;  // while a coordinator loads

}  // namespace

template <class Response, class Request>
std::optional<client::Reply<Response>> Auditor::ask(int32_t node, Request request) {
  using Answer = std::optional<base::Result<client::Reply<Response>>>;
  auto answer = std::make_shared<Answer>();
  auto connection = connections_->to({region_.host(node).name(), kClientPort});
  client::call<Response>(*connection, std::move(request),
                         [answer](auto reply) { answer->emplace(std::move(reply)); });
  world_.simulation.run_until_true([&] { return answer->has_value(); }, seconds(60));
  if (!*answer || !**answer) return std::nullopt;
  return std::move(***answer);
}

bool Auditor::audit(const std::vector<std::unique_ptr<Committer>>& committers, Loss loss) {
  connections_ = std::make_unique<ConnectionPool>(region_, "auditor", ConnectionOptions{});
  tries_left_ = kTries;
  if (!audit_topics()) return false;
  for (const PartitionId& partition : topics_.partitions()) {
    if (!audit_partition(partition, loss)) return false;
  }
  for (const auto& committer : committers) {
    if (!audit_group(*committer, loss)) return false;
  }
  connections_.reset();
  return true;
}

bool Auditor::audit_topics() {
  protocol::MetadataRequest request;
  request.topics.reset();  // all of them
  request.allow_auto_topic_creation = false;
  auto reply = ask<protocol::MetadataResponse>(region_.any_host().id(), std::move(request));
  if (!reply) return false;
  std::vector<ShownTopic> shown;
  for (const auto& topic : reply->message.topics) {
    if (topic.is_internal) continue;
    shown.push_back(
        {topic.name.value_or(""), topic.topic_id, static_cast<int32_t>(topic.partitions.size())});
    for (const auto& partition : topic.partitions) {
      leaders_[{topic.topic_id, partition.partition_index}] = partition.leader_id;
      if (topic.error_code == ErrorCode::kNone && partition.leader_id > 0) continue;
      world_.findings.add("{}-{} has leader {}", shown.back().name, partition.partition_index,
                          partition.leader_id);
    }
  }
  topics_.audit(shown);
  return true;
}

/// Leaders may move as they like.
bool Auditor::try_again(ErrorCode code) {
  if (region_.is_alone() || !protocol::is_retriable(code) || tries_left_-- <= 0) return false;
  world_.simulation.run_for(milliseconds(200));
  return audit_topics();
}

std::optional<int64_t> Auditor::offset(const PartitionId& partition, int64_t timestamp) {
  protocol::ListOffsetsRequest request;
  request.replica_id = -1;
  const std::string& name = topics_.find(partition.topic)->name;
  request.topics.push_back(
      {.name = name, .partitions = {{.partition_index = partition.index, .timestamp = timestamp}}});
  auto reply = ask<protocol::ListOffsetsResponse>(leaders_[partition], std::move(request));
  if (!reply) return std::nullopt;
  const auto& answer = reply->message.topics.at(0).partitions.at(0);
  if (try_again(answer.error_code)) return offset(partition, timestamp);
  if (answer.error_code != ErrorCode::kNone) {
    world_.findings.add("ListOffsets of {}-{}: {}", name, partition.index,
                        protocol::name(answer.error_code));
  }
  return answer.offset;
}

std::optional<ErrorCode> Auditor::read_some(const PartitionId& partition, int64_t& next,
                                            Contents& contents) {
  protocol::FetchRequest request;
  request.max_bytes = 1 << static_cast<int32_t>(12 + world_.random().below(10));
  request.isolation_level = static_cast<int8_t>(world_.random().below(2));
  auto& topic = request.topics.emplace_back();
  topic.topic_id = partition.topic;
  topic.partitions.push_back({.partition = partition.index,
                              .fetch_offset = next,
                              .partition_max_bytes = request.max_bytes});
  auto reply = ask<protocol::FetchResponse>(leaders_[partition], std::move(request));
  if (!reply) return std::nullopt;
  const auto& data = reply->message.responses.at(0).partitions.at(0);
  records::BatchWalker walker(data.records ? data.records->bytes : base::ByteView());
  int64_t before = next;
  while (const records::BatchView* batch = walker.next()) {
    contents.batches.insert(contents.batches.end(), batch->bytes.begin(), batch->bytes.end());
    next = batch->header.next_offset();
  }
  if (next > before) return ErrorCode::kNone;
  return data.error_code == ErrorCode::kNone ? ErrorCode::kCorruptMessage : data.error_code;
}

std::optional<Contents> Auditor::read(const PartitionId& partition) {
  Contents contents;
  auto start = offset(partition, kEarliest);
  if (!start) return std::nullopt;
  auto end = offset(partition, kLatest);
  if (!end) return std::nullopt;
  contents.start = *start;
  contents.end = *end;
  for (int64_t next = *start; next < *end;) {
    auto code = read_some(partition, next, contents);
    if (!code) return std::nullopt;
    if (code == ErrorCode::kNone || try_again(*code)) continue;
    auto start_now = offset(partition, kEarliest);
    if (!start_now) return std::nullopt;
    if (*start_now > next) return read(partition);  // retention was faster
    world_.findings.add("fetch from {}-{} at {}: {}", topics_.find(partition.topic)->name,
                        partition.index, next, protocol::name(*code));
    break;
  }
  return contents;
}

bool Auditor::audit_partition(const PartitionId& partition, Loss loss) {
  auto contents = read(partition);
  if (!contents) return false;
  history_.audit(partition, *contents, loss);
  return audit_time(partition, *contents);
}

bool Auditor::audit_time(const PartitionId& partition, const Contents& contents) {
  int64_t timestamp =
      region_.host(1).clock().wall_ms() - static_cast<int64_t>(world_.random().below(20'000));
  auto found = offset(partition, timestamp);
  auto start = offset(partition, kEarliest);
  if (!found || !start) return false;
  if (*start != contents.start) return true;  // retention was faster
  int64_t expected = history_.offset_for_timestamp(partition, contents.start, timestamp);
  if (*found != expected) {
    world_.findings.add("{}-{}: the first record since {} is at {} and not at {}",
                        topics_.find(partition.topic)->name, partition.index, timestamp, expected,
                        *found);
  }
  return true;
}

/// 1 if there is none.
std::optional<int32_t> Auditor::coordinator_of(const std::string& group) {
  if (region_.is_alone()) return 1;
  protocol::FindCoordinatorRequest request;
  request.coordinator_keys = {group};
  auto reply = ask<protocol::FindCoordinatorResponse>(region_.any_host().id(), std::move(request));
  if (!reply) return std::nullopt;
  return std::max(reply->message.coordinators.at(0).node_id, 1);
}

bool Auditor::audit_group(Committer& committer, Loss loss) {
  for (int i = 0; i < kTries; ++i) {
    auto coordinator = coordinator_of(committer.group());
    if (!coordinator) return false;
    protocol::OffsetFetchRequest request;
    request.groups.push_back({.group_id = committer.group(), .topics = std::nullopt});
    auto reply = ask<protocol::OffsetFetchResponse>(*coordinator, std::move(request));
    if (!reply) return false;
    const auto& group = reply->message.groups.at(0);
    bool moves =
        !region_.is_alone() && *coordinator > 0 && protocol::is_retriable(group.error_code);
    if (group.error_code == ErrorCode::kCoordinatorLoadInProgress || moves) {
      world_.trace.line("auditor", "n{} on group {}: {}", *coordinator, committer.group(),
                        protocol::name(group.error_code));
      world_.simulation.run_for(milliseconds(100));
      continue;
    }
    bool nowhere = group.error_code == ErrorCode::kNotCoordinator ||
                   group.error_code == ErrorCode::kCoordinatorNotAvailable;
    if (group.error_code != ErrorCode::kNone && !nowhere) {
      world_.findings.add("the offsets of group {}: {}", committer.group(),
                          protocol::name(group.error_code));
    }
    // Nowhere: there is no __consumer_offsets, and so no offset.
    committer.audit(offsets_of(group), loss);
    return true;
  }
  world_.findings.add("the offsets of group {} are never loaded", committer.group());
  return false;
}

}  // namespace longhaul::sim
