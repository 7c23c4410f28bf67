#include "tests/sim/observer.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/messages/metadata.h"

namespace longhaul::sim {

namespace {
constexpr Time kLookPause = std::chrono::milliseconds(200);
constexpr Time kLookIntoPause = std::chrono::milliseconds(20);
}  // namespace

void Observer::work() {
  for (const auto& host : region_.hosts()) {
    look(host->id());
    look_into(*host);
  }
}

void Observer::look_into(Host& host) {
  later(kLookIntoPause, [this, &host] { look_into(host); });
  if (!host.node() || !host.node()->is_ready()) return;
  auto image = host.node()->images().current();
  const broker::metadata::Broker* self = image->broker(host.id());
  if (!self) return;
  image->topics.for_each([&](const base::Uuid& id, const auto& topic) {
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      if (topic->partitions[i]->leader != host.id()) continue;
      auto index = static_cast<int32_t>(i);
      auto log = host.node()->logs().get(topic->name, index);
      if (!log || log->topic_id() != id) continue;
      Watermark now{self->incarnation, topic->partitions[i]->leader_epoch, log->high_watermark()};
      Watermark& before = watermarks_[{host.id(), {id, index}}];
      bool same = before.incarnation == now.incarnation && before.epoch == now.epoch;
      if (same && now.offset < before.offset) {
        world_.findings.add("the high watermark of {}-{} goes back from {} to {} on {} in epoch {}",
                            topic->name, index, before.offset, now.offset, host.name(), now.epoch);
      }
      before = now;
    }
  });
}

void Observer::look(int32_t node) {
  protocol::MetadataRequest request;
  request.topics.reset();  // all of them
  request.allow_auto_topic_creation = false;
  Time asked = world_.simulation.now();
  ask<protocol::MetadataResponse>(node, std::move(request), [this, node, asked](auto reply) {
    if (reply) {
      views_[node] = view_of(node, reply->message);
      views_[node].since = asked;
    }
    later(kLookPause, [this, node] { look(node); });
  });
}

template <class Response>
Observer::View Observer::view_of(int32_t node, const Response& response) {
  View view{.whole = true, .itself = true};
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      PartitionId id{topic.topic_id, partition.partition_index};
      auto in = [node](const auto& nodes) { return std::ranges::find(nodes, node) != nodes.end(); };
      bool whole = partition.isr_nodes.size() == partition.replica_nodes.size();
      view.whole &= whole && partition.leader_id > 0;
      view.itself &= !in(partition.replica_nodes) || in(partition.isr_nodes);
      note(node, id,
           fmt::format("{}-{}: leader {} in epoch {}, in sync {} of {}", topic.name.value_or(""),
                       id.index, partition.leader_id, partition.leader_epoch,
                       fmt::join(partition.isr_nodes, " "), partition.replica_nodes.size()));
      for (int32_t member : partition.isr_nodes) {
        bool alive = std::ranges::any_of(
            response.brokers, [member](const auto& each) { return each.node_id == member; });
        if (!alive)
          world_.findings.add("n{} says that {} is in sync in {}-{}, and fenced", node, member,
                              topic.name.value_or(""), id.index);
      }
      if (partition.leader_id < 0) continue;
      auto [known, is_new] = leaders_.emplace(std::pair(id, partition.leader_epoch),  //
                                              partition.leader_id);
      if (!is_new && known->second != partition.leader_id) {
        world_.findings.add("{}-{} has in its epoch {} leader {} and leader {}",
                            topic.name.value_or(""), id.index, partition.leader_epoch,
                            known->second, partition.leader_id);
      }
    }
  }
  return view;
}

void Observer::note(int32_t node, const PartitionId& id, std::string state) {
  std::string& known = states_[{node, id}];
  if (known == state) return;
  world_.trace.line(name(), "n{} says: {}", node, state);
  known = std::move(state);
}

bool Observer::is_in_sync(int32_t node, Time since) const {
  auto view = views_.find(node);
  return view != views_.end() && view->second.since >= since && view->second.itself;
}

bool Observer::has_settled(Time since) const {
  return std::all_of(region_.hosts().begin(), region_.hosts().end(), [&](const auto& host) {
    auto view = views_.find(host->id());
    return view != views_.end() && view->second.since >= since && view->second.whole;
  });
}

}  // namespace longhaul::sim
