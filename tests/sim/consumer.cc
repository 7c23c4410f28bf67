#include "tests/sim/consumer.h"

#include <algorithm>

#include "protocol/messages/list_offsets.h"

namespace longhaul::sim {

using protocol::ErrorCode;

namespace {

constexpr int16_t kFetchByTopicId = 13;
constexpr int16_t kListByEpoch = 4;
constexpr int64_t kFromTheStart = -2;
constexpr int64_t kTheEnd = -1;
constexpr Time kPollRetry = std::chrono::milliseconds(50);
constexpr Time kEndPause = std::chrono::milliseconds(200);

protocol::ListOffsetsRequest list_offset(const std::string& topic, int32_t partition,
                                         int32_t leader_epoch, int64_t timestamp) {
  protocol::ListOffsetsRequest request;
  request.replica_id = -1;
  request.topics.push_back({.name = topic,
                            .partitions = {{.partition_index = partition,
                                            .current_leader_epoch = leader_epoch,
                                            .timestamp = timestamp}}});
  return request;
}

}  // namespace

void Consumer::work() {
  sessions_.clear();
  for (auto& [partition, position] : positions_) position.searching = false;
  for (const auto& host : region_.hosts()) poll(host->id());
  if (!region_.is_alone()) later(kEndPause, [this] { ask_for_end(); });
}

bool Consumer::is_there(const PartitionId& partition) const {
  const Topic* topic = topics_.find(partition.topic);
  return topic && topic->state == Topic::State::kThere;
}

void Consumer::take_up_partitions() {
  auto all = topics_.partitions();
  for (const PartitionId& partition : all) positions_.try_emplace(partition);
  std::set<PartitionId> wanted(all.begin(), all.end());
  std::erase_if(positions_, [&](const auto& each) { return !wanted.contains(each.first); });
}

protocol::FetchRequest Consumer::next_fetch(int32_t node, Session& session) {
  protocol::FetchRequest request;
  request.max_wait_ms = static_cast<int32_t>(world_.random().below(800));
  request.min_bytes = static_cast<int32_t>(world_.random().below(3000));
  request.max_bytes = 1 << static_cast<int32_t>(10 + world_.random().below(11));
  request.isolation_level = static_cast<int8_t>(world_.random().below(2));
  request.session_id = session.id;
  request.session_epoch = session.epoch;
  std::set<PartitionId> unwanted = std::move(session.has);
  session.has.clear();
  for (auto& [partition, position] : positions_) {
    auto leader = known_leader(partition);
    if (position.searching || !leader || leader->node != node) continue;
    session.has.insert(partition);
    unwanted.erase(partition);
    Told now{leader->epoch, position.offset};
    auto [told, is_news] = session.told.emplace(partition, now);
    if (!is_news && std::exchange(told->second, now) == now) continue;
    world_.trace.line(name(), "asks n{} for {} from {}", node, history_.name_of(partition),
                      position.offset);
    auto& topic = request.topics.emplace_back();
    topic.topic_id = partition.topic;
    topic.partitions.push_back({.partition = partition.index,
                                .current_leader_epoch = leader->epoch,
                                .fetch_offset = position.offset,
                                .partition_max_bytes = request.max_bytes});
  }
  for (const PartitionId& partition : unwanted) {
    session.told.erase(partition);
    request.forgotten_topics_data.push_back(
        {.topic_id = partition.topic, .partitions = {partition.index}});
  }
  return request;
}

void Consumer::poll(int32_t node) {
  take_up_partitions();
  Session& session = sessions_[node];
  auto request = next_fetch(node, session);
  if (session.has.empty() && request.forgotten_topics_data.empty()) {
    return later(kPollRetry, [this, node] { poll(node); });
  }
  session.asked = world_.simulation.now();
  auto done = [this, node](auto reply) { reply ? polled(node, reply->message) : begin_anew(node); };
  ask<protocol::FetchResponse>(node, std::move(request), kFetchByTopicId, std::move(done));
}

void Consumer::begin_anew(int32_t node) {
  sessions_.erase(node);
  find_leaders();
  later(kPollRetry, [this, node] { poll(node); });
}

void Consumer::polled(int32_t node, const protocol::FetchResponse& response) {
  if (response.error_code != ErrorCode::kNone) {
    if (is_wrong(response.error_code)) {
      world_.findings.add("{}: fetch: {}", name(), protocol::name(response.error_code));
    }
    return begin_anew(node);
  }
  Session& session = sessions_[node];
  session.id = response.session_id;
  ++session.epoch;
  for (const auto& topic : response.responses) {
    for (const auto& data : topic.partitions)
      read(node, {topic.topic_id, data.partition_index}, data);
  }
  later(Time(500), [this, node] { poll(node); });
}

void Consumer::read(int32_t node, const PartitionId& partition,
                    const protocol::FetchResponse::PartitionData& data) {
  auto position = positions_.find(partition);
  auto& told = sessions_[node].told;
  auto asked = told.find(partition);
  bool stale = position == positions_.end() || asked == told.end() ||
               asked->second.offset != position->second.offset;
  if (stale) return;  // set elsewhere since, perhaps by what another leader answered
  if (data.error_code == ErrorCode::kOffsetOutOfRange) {
    told.erase(partition);
    return find_beginning(partition);
  }
  if (data.error_code == ErrorCode::kNone) return take(position->second, node, partition, data);
  told.erase(partition);
  find_leaders();
  if (!is_there(partition) || !is_wrong(data.error_code)) return;
  world_.findings.add("{}: fetch from {}-{}: {}", name(), topics_.find(partition.topic)->name,
                      partition.index, protocol::name(data.error_code));
}

void Consumer::take(Position& position, int32_t node, const PartitionId& partition,
                    const protocol::FetchResponse::PartitionData& data) {
  int64_t& next = position.offset;
  records::BatchWalker walker(data.records ? data.records->bytes : base::ByteView());
  while (const records::BatchView* batch = walker.next()) {
    // What has rotted shows in its CRC, or in its offset, which no CRC covers.
    bool may_rot = region_.host(node).is_rotten_since(sessions_[node].asked);
    if (may_rot && (batch->header.base_offset != next || !records::crc_matches(batch->bytes))) {
      sessions_[node].told.erase(partition);
      return;
    }
    world_.trace.line(name(), "reads {} at {} from n{}", history_.name_of(partition),
                      batch->header.base_offset, node);
    history_.saw(partition, *batch);
    // It may begin before, if a crash has cost what we had read, and another is there now.
    if (batch->header.base_offset > next) {
      world_.findings.add("{}: fetched {} from {} and got {}", name(), next,
                          history_.name_of(partition), batch->header.base_offset);
    }
    next = batch->header.next_offset();
    position.end = std::max(position.end, next);
    sessions_[node].told.erase(partition);
  }
  if (walker.error()) world_.findings.add("{}: {}", name(), walker.error()->message);
}

/// Retention was faster than we, or a crash has shortened the log.
void Consumer::find_beginning(const PartitionId& partition) {
  const Topic* topic = topics_.find(partition.topic);
  Position& position = positions_.at(partition);
  auto leader = known_leader(partition);
  if (!topic || !leader || std::exchange(position.searching, true)) return;
  auto request = list_offset(topic->name, partition.index, leader->epoch, kFromTheStart);
  auto done = [this, partition](auto reply) {
    auto found = positions_.find(partition);
    if (found == positions_.end()) return;
    Position& position = found->second;
    position.searching = false;
    for (auto& [node, session] : sessions_) session.told.erase(partition);
    if (!reply) return find_leaders();
    const auto& answer = reply->message.topics.at(0).partitions.at(0);
    if (answer.error_code != ErrorCode::kNone) {
      find_leaders();
      if (is_wrong(answer.error_code) && is_there(partition)) {
        world_.findings.add("{}: where {} begins: {}", name(), partition.index,
                            protocol::name(answer.error_code));
      }
      return;
    }
    if (region_.replication_factor() > 1 && answer.offset < position.offset) {
      world_.findings.add("{}: {} has nothing at {}, but begins at {}", name(),
                          history_.name_of(partition), position.offset, answer.offset);
    }
    position.offset = std::max<int64_t>(answer.offset, 0);
  };
  ask<protocol::ListOffsetsResponse>(leader->node, std::move(request), kListByEpoch,
                                     std::move(done));
}

void Consumer::ask_for_end() {
  later(kEndPause, [this] { ask_for_end(); });
  if (positions_.empty()) return;
  auto at = std::next(positions_.begin(),
                      static_cast<ptrdiff_t>(world_.random().below(positions_.size())));
  PartitionId partition = at->first;
  const Topic* topic = topics_.find(partition.topic);
  auto leader = known_leader(partition);
  // It is asked by name, and a node may not know yet that another topic has that name now.
  if (!topic || topic->may_change || !leader) return;
  auto request = list_offset(topic->name, partition.index, leader->epoch, kTheEnd);
  int64_t known = at->second.end;
  auto done = [this, partition, known](auto reply) {
    if (!reply) return find_leaders();
    const auto& answer = reply->message.topics.at(0).partitions.at(0);
    if (answer.error_code != ErrorCode::kNone) return find_leaders();
    auto found = positions_.find(partition);
    if (found == positions_.end()) return;
    if (answer.offset < known) {
      world_.findings.add("{}: {} ends at {} and had {} before", name(),
                          history_.name_of(partition), answer.offset, known);
    }
    found->second.end = std::max(found->second.end, answer.offset);
  };
  ask<protocol::ListOffsetsResponse>(leader->node, std::move(request), kListByEpoch,
                                     std::move(done));
}

}  // namespace longhaul::sim
