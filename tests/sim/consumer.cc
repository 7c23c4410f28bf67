#include "tests/sim/consumer.h"

#include "protocol/messages/list_offsets.h"

namespace longhaul::sim {

using protocol::ErrorCode;

namespace {

constexpr int16_t kFetchByTopicId = 13;
constexpr int64_t kFromTheStart = -2;
constexpr Time kPollRetry = std::chrono::milliseconds(50);

}  // namespace

void Consumer::work() {
  session_ = epoch_ = 0;
  forgotten_.clear();
  for (auto& [partition, position] : positions_) position.told = position.searching = false;
  poll();
}

void Consumer::take_up_partitions() {
  auto all = topics_.partitions();
  for (const PartitionId& partition : all) positions_.try_emplace(partition);
  std::set<PartitionId> wanted(all.begin(), all.end());
  for (auto at = positions_.begin(); at != positions_.end();) {
    bool gone = !wanted.contains(at->first);
    if (gone && at->second.told) forgotten_.insert(at->first);
    at = gone ? positions_.erase(at) : std::next(at);
  }
}

void Consumer::poll() {
  take_up_partitions();
  if (positions_.empty()) return later(kPollRetry, [this] { poll(); });
  protocol::FetchRequest request;
  request.max_wait_ms = static_cast<int32_t>(world_.random().below(800));
  request.min_bytes = static_cast<int32_t>(world_.random().below(3000));
  request.max_bytes = 1 << static_cast<int32_t>(10 + world_.random().below(11));
  request.isolation_level = static_cast<int8_t>(world_.random().below(2));
  request.session_id = session_;
  request.session_epoch = epoch_;
  for (auto& [partition, position] : positions_) {
    if (position.told || position.searching) continue;
    auto& topic = request.topics.emplace_back();
    topic.topic_id = partition.topic;
    topic.partitions.push_back({.partition = partition.index,
                                .fetch_offset = position.offset,
                                .partition_max_bytes = request.max_bytes});
    position.told = true;
  }
  for (const PartitionId& partition : std::exchange(forgotten_, {})) {
    request.forgotten_topics_data.push_back(
        {.topic_id = partition.topic, .partitions = {partition.index}});
  }
  ask<protocol::FetchResponse>(std::move(request), kFetchByTopicId, [this](auto reply) {
    if (reply) polled(reply->message);
  });
}

void Consumer::polled(const protocol::FetchResponse& response) {
  if (response.error_code != ErrorCode::kNone) {
    if (host_.is_well()) {
      world_.findings.add("{}: fetch: {}", name(), protocol::name(response.error_code));
    }
    return later(kPollRetry, [this] { work(); });
  }
  session_ = response.session_id;
  ++epoch_;
  for (const auto& topic : response.responses) {
    for (const auto& data : topic.partitions) read({topic.topic_id, data.partition_index}, data);
  }
  if (may_work()) later(Time(500), [this] { poll(); });
}

void Consumer::read(const PartitionId& partition,
                    const protocol::FetchResponse::PartitionData& data) {
  auto position = positions_.find(partition);
  bool asked = position != positions_.end() && position->second.told;
  if (!asked) return;  // it has been taken off since, or set elsewhere
  const Topic* topic = topics_.find(partition.topic);
  if (data.error_code == ErrorCode::kOffsetOutOfRange) return find_beginning(partition);
  if (data.error_code != ErrorCode::kNone) {
    position->second.told = false;
    if (!topic || topic->state != Topic::State::kThere || !host_.is_well()) return;
    world_.findings.add("{}: fetch from {}-{}: {}", name(), topic->name, partition.index,
                        protocol::name(data.error_code));
    return;
  }
  int64_t& next = position->second.offset;
  records::BatchWalker walker(data.records ? data.records->bytes : base::ByteView());
  while (const records::BatchView* batch = walker.next()) {
    history_.saw(partition, *batch);
    // It may begin before, if a crash has cost what we had read, and another is there now.
    if (batch->header.base_offset > next) {
      world_.findings.add("{}: fetched {} and got {}", name(), next, batch->header.base_offset);
    }
    next = batch->header.next_offset();
    position->second.told = false;
  }
  if (walker.error()) world_.findings.add("{}: {}", name(), walker.error()->message);
}

/// Retention was faster than we, or a crash has shortened the log.
void Consumer::find_beginning(const PartitionId& partition) {
  const Topic* topic = topics_.find(partition.topic);
  Position& position = positions_.at(partition);
  if (!topic || !is_connected() || std::exchange(position.searching, true)) return;
  protocol::ListOffsetsRequest request;
  request.replica_id = -1;
  request.topics.push_back(
      {.name = topic->name,
       .partitions = {{.partition_index = partition.index, .timestamp = kFromTheStart}}});
  ask<protocol::ListOffsetsResponse>(std::move(request), 1, [this, partition](auto reply) {
    if (!reply || !positions_.contains(partition)) return;
    const auto& answer = reply->message.topics.at(0).partitions.at(0);
    if (answer.error_code != ErrorCode::kNone && host_.is_well() &&
        topics_.find(partition.topic)->state == Topic::State::kThere) {
      world_.findings.add("{}: where {} begins: {}", name(), partition.index,
                          protocol::name(answer.error_code));
    }
    positions_[partition] = {std::max<int64_t>(answer.offset, 0), false, false};
  });
}

}  // namespace longhaul::sim
