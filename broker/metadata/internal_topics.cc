// The replicas of topics that brokers make for themselves.
#include <algorithm>
#include <set>
#include <string>

#include "broker/metadata/controller.h"
#include "broker/metadata/internal_topics.h"
#include "broker/metadata/partition_change.h"
#include "broker/metadata/placement.h"
#include "broker/metadata/topic_name.h"

namespace longhaul::broker::metadata {
namespace {

/// Of `candidates`, as many as `replicas` lacks: first those on racks that it is not on yet.
std::vector<int32_t> filled_up(const MetadataImage& image, std::vector<int32_t> replicas,
                               const std::vector<int32_t>& candidates, size_t wanted) {
  std::set<std::string> racks;
  auto is_on_new_rack = [&](int32_t id) {
    const Broker* broker = image.broker(id);
    return broker && broker->rack && racks.insert(*broker->rack).second;
  };
  for (int32_t id : replicas) is_on_new_rack(id);
  std::vector<int32_t> order = without(candidates, replicas);
  std::stable_partition(order.begin(), order.end(), is_on_new_rack);
  order.resize(std::min(order.size(), wanted - replicas.size()));
  replicas.insert(replicas.end(), order.begin(), order.end());
  return replicas;
}

}  // namespace

MetadataRecords raise_internal_replicas(const ControllerInput& input) {
  const MetadataImage& image = input.image;
  const Topic* topic = image.topic(kOffsetsTopic);
  auto most = static_cast<size_t>(std::max<int16_t>(input.settings.offsets_replication_factor, 1));
  size_t wanted = std::min(most, image.active_brokers());
  if (topic == nullptr || wanted == 0) return {};
  auto count = static_cast<int32_t>(topic->partitions.size());
  auto placed = place(image, count, static_cast<int16_t>(wanted), input.random);
  if (!placed) return {};
  protocol::AlterPartitionReassignmentsRequest request;
  auto& asked = request.topics.emplace_back();
  asked.name = topic->name;
  for (int32_t i = 0; i < count; ++i) {
    const Partition& partition = *topic->partition(i);
    bool is_moving = !partition.removing.empty();  // somebody knows better
    if (is_moving || partition.replicas.size() >= wanted) continue;
    const auto& candidates = placed->at(static_cast<size_t>(i));
    asked.partitions.push_back(
        {.partition_index = i,
         .replicas = filled_up(image, partition.replicas, candidates, wanted)});
  }
  if (asked.partitions.empty()) return {};
  return alter_partition_reassignments(input, request).records;
}

}  // namespace longhaul::broker::metadata
