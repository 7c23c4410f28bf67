#include "tests/sim/actor.h"

#include "protocol/messages/metadata.h"

namespace longhaul::sim {

namespace {

constexpr Time kMetadataBackoff = std::chrono::milliseconds(100);

}  // namespace

void Actor::connect() {
  world_.simulation.cancel_all(this);
  resting_ = finishing_ = asking_ = false;
  work();
}

void Actor::later(Time typical, base::Task task) {
  world_.simulation.after(world_.simulation.some_delay(typical), this,
                          [this, task = std::move(task)]() mutable {
                            if (may_work()) task();
                          });
}

std::optional<Actor::Leader> Actor::known_leader(const PartitionId& partition) {
  if (region_.is_alone()) return Leader{1, -1};
  auto found = leaders_.find(partition);
  if (found != leaders_.end() && found->second.node > 0) return found->second;
  find_leaders();
  return std::nullopt;
}

int32_t Actor::leader_of(const PartitionId& partition) {
  auto known = known_leader(partition);
  return known ? known->node : anybody();
}

void Actor::find_leaders() {
  if (region_.is_alone() || std::exchange(asking_, true)) return;
  world_.simulation.after(world_.simulation.some_delay(kMetadataBackoff), this, [this] {
    if (may_work()) return ask_for_leaders();
    asking_ = false;
  });
}

void Actor::ask_for_leaders() {
  protocol::MetadataRequest request;
  request.topics.reset();  // all of them
  request.allow_auto_topic_creation = false;
  ask<protocol::MetadataResponse>(anybody(), std::move(request), [this](auto reply) {
    asking_ = false;
    if (!reply) return find_leaders();
    for (const auto& topic : reply->message.topics) {
      for (const auto& partition : topic.partitions) {
        Leader& known = leaders_[{topic.topic_id, partition.partition_index}];
        if (partition.leader_epoch < known.epoch) continue;
        known = {partition.leader_id, partition.leader_epoch};
      }
    }
  });
}

}  // namespace longhaul::sim
