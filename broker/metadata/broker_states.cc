// Heartbeats, fencing, controlled shutdown and unregistration (KIP-631, KIP-841).
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/metadata/controller.h"
#include "broker/metadata/heartbeat_tracker.h"
#include "broker/metadata/partition_updates.h"

namespace longhaul::broker::metadata {
namespace {

using protocol::ErrorCode;

/// The broker after this heartbeat, and whether it may exit now.
struct HeartbeatOutcome {
  Broker broker;
  bool shut_down = false;
};

/// Where the broker goes: fenced → active → in controlled shutdown → fenced, when it may exit.
HeartbeatOutcome next_state(const ControllerInput& input, const Broker& broker,
                            const protocol::BrokerHeartbeatRequest& request) {
  HeartbeatOutcome next{broker};
  if (broker.fenced) {
    next.shut_down = request.want_shut_down;
    if (!request.want_shut_down && !request.want_fence)
      next.broker.fenced = request.current_metadata_offset < broker.epoch;
  } else if (request.want_fence) {
    next.broker.fenced = true;
    next.shut_down = request.want_shut_down;
  } else if (request.want_shut_down || broker.in_controlled_shutdown) {
    bool others_know = !broker.in_controlled_shutdown || input.heartbeats == nullptr ||
                       input.heartbeats->may_shut_down(broker.id);
    next.shut_down = !leads_any(input.image, broker.id) && others_know;
    next.broker.fenced = next.shut_down;
    next.broker.in_controlled_shutdown = true;
  }
  return next;
}

/// Directories that went offline stay so until the broker registers again (KIP-858). A broker that
/// has none left is fenced; its record could not say "none". True if there is one left.
bool take_directories(const protocol::BrokerHeartbeatRequest& request, Broker& broker) {
  std::vector<base::Uuid> online = broker.directories;
  std::erase_if(online, [&](const base::Uuid& id) {
    return std::count(request.offline_log_dirs.begin(), request.offline_log_dirs.end(), id) > 0;
  });
  bool any = !online.empty() || broker.directories.empty();
  if (any) {
    broker.directories = std::move(online);
  } else {
    broker.fenced = true;
  }
  if (request.cordoned_log_dirs) {
    broker.cordoned = *request.cordoned_log_dirs;
    std::sort(broker.cordoned.begin(), broker.cordoned.end());
  }
  return any;
}

std::optional<protocol::BrokerRegistrationChangeRecord> registration_change(const Broker& before,
                                                                            const Broker& now) {
  if (before == now) return std::nullopt;
  protocol::BrokerRegistrationChangeRecord record;
  record.broker_id = now.id;
  record.broker_epoch = now.epoch;
  if (before.fenced != now.fenced) record.fenced = now.fenced ? 1 : -1;
  if (before.in_controlled_shutdown != now.in_controlled_shutdown)
    record.in_controlled_shutdown = 1;
  if (before.directories != now.directories) record.log_dirs = now.directories;
  if (before.cordoned != now.cordoned) record.cordoned_log_dirs = now.cordoned;
  return record;
}

/// The broker's new state and what it means for partitions. `unclean` is seen by nothing in that
/// state: with each heartbeat that says so what one batch could not hold goes on.
MetadataRecords change_broker(const ControllerInput& input, const Broker& before, Broker now,
                              bool unclean) {
  MetadataRecords records;
  auto record = registration_change(before, now);
  if (!record && !unclean) return records;
  if (record) records.emplace_back(std::move(*record));
  BrokerChange change{now.id, std::move(now), unclean};
  PartitionUpdates(input, std::move(change)).settle_changed_broker(records);
  return records;
}

}  // namespace

Decision<protocol::BrokerHeartbeatResponse> broker_heartbeat(
    const ControllerInput& input, const protocol::BrokerHeartbeatRequest& request) {
  Decision<protocol::BrokerHeartbeatResponse> decision;
  auto& response = decision.response;
  response.error_code = check_broker_epoch(input.image, request.broker_id, request.broker_epoch);
  if (response.error_code != ErrorCode::kNone) return decision;
  const Broker* broker = input.image.broker(request.broker_id);
  HeartbeatOutcome next = next_state(input, *broker, request);
  bool unclean = !take_directories(request, next.broker);
  response.is_caught_up = request.current_metadata_offset >= broker->epoch;
  response.is_fenced = next.broker.fenced;
  response.should_shut_down = next.shut_down;
  decision.records = change_broker(input, *broker, std::move(next.broker), unclean);
  return decision;
}

MetadataRecords fence_broker(const ControllerInput& input, int32_t id, int64_t epoch) {
  const Broker* broker = input.image.broker(id);
  if (broker == nullptr || broker->epoch != epoch || broker->fenced) return {};
  Broker fenced = *broker;
  fenced.fenced = true;
  return change_broker(input, *broker, std::move(fenced), /*unclean=*/false);
}

Decision<protocol::UnregisterBrokerResponse> unregister_broker(
    const ControllerInput& input, const protocol::UnregisterBrokerRequest& request) {
  Decision<protocol::UnregisterBrokerResponse> decision;
  decision.response.error_message.reset();
  const Broker* broker = input.image.broker(request.broker_id);
  if (broker == nullptr) {
    decision.response.error_code = ErrorCode::kBrokerIdNotRegistered;
    decision.response.error_message =
        fmt::format("Broker ID {} is not currently registered", request.broker_id);
    return decision;
  }
  protocol::UnregisterBrokerRecord record;
  record.broker_id = broker->id;
  record.broker_epoch = broker->epoch;
  decision.records.emplace_back(record);
  PartitionUpdates(input, {broker->id, std::nullopt}).settle_changed_broker(decision.records);
  return decision;
}

MetadataRecords left_over(const ControllerInput& input) {
  MetadataRecords records;
  PartitionUpdates(input).settle_all(records);
  return records;
}

}  // namespace longhaul::broker::metadata
