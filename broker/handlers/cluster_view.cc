#include "broker/handlers/cluster_view.h"

namespace longhaul::broker::handlers {

std::vector<VisibleBroker> visible_brokers(const metadata::MetadataImage& image,
                                           std::string_view listener, bool with_fenced) {
  std::vector<VisibleBroker> visible;
  std::string name(listener);
  image.brokers.for_each([&](int32_t, const metadata::Shared<metadata::Broker>& broker) {
    if (broker->fenced && !with_fenced) return;
    if (const auto* endpoint = broker->endpoint(name)) {
      visible.push_back({broker.get(), endpoint});
    }
  });
  return visible;
}

int32_t controller_for_clients(const std::vector<VisibleBroker>& visible, int32_t this_broker) {
  int32_t controller = -1;
  for (const VisibleBroker& each : visible) {
    if (each.broker->fenced) continue;
    if (each.broker->id == this_broker) return this_broker;
    if (controller < 0) controller = each.broker->id;
  }
  return controller;
}

PartitionView view_partition(const metadata::MetadataImage& image,
                             const metadata::Partition& partition, std::string_view listener) {
  using protocol::ErrorCode;
  PartitionView view;
  view.leader = partition.leader;
  std::string name(listener);
  const metadata::Broker* leader = image.broker(partition.leader);
  if (!leader || leader->fenced) {
    view.error = ErrorCode::kLeaderNotAvailable;
    view.leader = metadata::kNoLeader;
  } else if (!leader->endpoint(name)) {
    view.error = ErrorCode::kListenerNotFound;
    view.leader = metadata::kNoLeader;
  }
  for (int32_t replica : partition.replicas) {
    const metadata::Broker* broker = image.broker(replica);
    if (!broker || broker->fenced || !broker->endpoint(name)) {
      view.offline_replicas.push_back(replica);
    }
  }
  return view;
}

}  // namespace longhaul::broker::handlers
