#include "broker/metadata/partition_updates.h"

#include <algorithm>
#include <utility>

#include "broker/metadata/eligible_replicas.h"
#include "broker/metadata/placement.h"

namespace longhaul::broker::metadata {
namespace {

/// DirectoryId's reserved values: not yet assigned, lost, and written before directories had IDs.
base::Uuid reserved_directory(uint8_t value) {
  base::Uuid id;
  id.bytes.back() = value;
  return id;
}

/// Visits the topics with which the broker has to do, while `visit` returns true.
template <class Visit>
void visit_roles(const MetadataImage& image, int32_t broker, Visit&& visit) {
  image.roles.from(BrokerTopic{broker, {}}, [&](const BrokerTopic& key, const BrokerRoles& roles) {
    return key.broker == broker && visit(key.topic, roles);
  });
}

}  // namespace

bool is_online(const Broker& broker, const base::Uuid& directory) {
  constexpr uint8_t kUnassigned = 0, kLost = 1, kMigrating = 2;
  if (directory == reserved_directory(kLost)) return false;
  if (directory == reserved_directory(kUnassigned) || directory == reserved_directory(kMigrating))
    return true;
  return std::binary_search(broker.directories.begin(), broker.directories.end(), directory);
}

bool leads_any(const MetadataImage& image, int32_t broker) {
  bool leads = false;
  visit_roles(image, broker, [&](const base::Uuid&, const BrokerRoles& roles) {
    leads = roles.leads > 0;
    return !leads;
  });
  return leads;
}

protocol::ErrorCode check_broker_epoch(const MetadataImage& image, int32_t id, int64_t epoch) {
  const Broker* broker = image.broker(id);
  return broker != nullptr && broker->epoch == epoch ? protocol::ErrorCode::kNone
                                                     : protocol::ErrorCode::kStaleBrokerEpoch;
}

const Broker* PartitionUpdates::broker(int32_t id) const {
  if (id != change_.id) return input_.image.broker(id);
  return change_.now ? &*change_.now : nullptr;
}

bool PartitionUpdates::may_lead(const Partition& partition, int32_t id) const {
  const Broker* known = broker(id);
  return known != nullptr && known->is_active() && is_online(*known, partition.directory_of(id));
}

bool PartitionUpdates::lost(const Partition& partition, int32_t id) const {
  const Broker* known = broker(id);
  return known == nullptr || (change_.unclean && id == change_.id) ||
         !is_online(*known, partition.directory_of(id));
}

const ElectionRules& PartitionUpdates::rules_of(const Topic& topic) {
  if (!rules_ || rules_topic_ != topic.id) {
    rules_ = election_rules(input_.image, input_.configs, topic.name, input_.settings.node_id);
    rules_topic_ = topic.id;
  }
  return *rules_;
}

PartitionUpdates::Claim PartitionUpdates::claim(const base::Uuid& topic, int32_t index,
                                                const MetadataRecords& records) {
  if (!claimed_.emplace(topic, index).second) return Claim::kTwice;
  return records.size() < kMaxRecordsPerRequest ? Claim::kGranted : Claim::kFull;
}

std::optional<protocol::PartitionChangeRecord> PartitionUpdates::change(
    const Topic& topic, int32_t index, PartitionTarget target, std::optional<Election> election) {
  const Partition& partition = *topic.partition(index);
  const ElectionRules& topic_rules = rules_of(topic);
  PartitionRules rules;
  // The target's directories, so that one that a replica was just given counts.
  Partition placed;
  placed.replicas = partition.replicas;
  placed.directories = target.directories;
  rules.may_lead = [&](int32_t id) { return may_lead(placed, id); };
  rules.lost = [&](int32_t id) { return lost(placed, id); };
  rules.directory = [&](int32_t id) { return directory_on(input_.image, id); };
  rules.election = election.value_or(topic_rules.unclean ? Election::kUnclean : Election::kClean);
  rules.elr = has_eligible_replicas(input_.image);
  rules.min_insync_replicas = topic_rules.min_insync_replicas;
  return partition_change(topic.id, index, partition, std::move(target), rules);
}

std::optional<protocol::PartitionChangeRecord> PartitionUpdates::settle(const Topic& topic,
                                                                        int32_t index) {
  const Partition& partition = *topic.partition(index);
  PartitionTarget target = PartitionTarget::of(partition);
  auto away = [&](int32_t id) { return !may_lead(partition, id); };
  target.isr.erase(std::remove_if(target.isr.begin(), target.isr.end(), away), target.isr.end());
  bool keeps_elr = std::none_of(partition.elr.begin(), partition.elr.end(),
                                [&](int32_t id) { return lost(partition, id); });
  // Most partitions: nothing to ask the options for.
  if (keeps_elr && partition.leader != kNoLeader && target.isr.size() == partition.isr.size() &&
      may_lead(partition, partition.leader))
    return std::nullopt;
  return change(topic, index, std::move(target));
}

bool PartitionUpdates::concerns(const Partition& partition, int32_t role) const {
  if (role == kNoLeader)
    return partition.leader == kNoLeader && holds(partition.replicas, change_.id);
  // A broker that is back was asked for these under kNoLeader.
  bool active = change_.now && change_.now->is_active();
  if (active && partition.leader == kNoLeader) return false;
  return partition.leader == role || holds(partition.isr, role) || holds(partition.elr, role);
}

bool PartitionUpdates::settle_topic(const Topic& topic, std::optional<int32_t> role,
                                    MetadataRecords& records) {
  for (size_t i = 0; i < topic.partitions.size(); ++i) {
    if (role && !concerns(*topic.partitions[i], *role)) continue;
    auto record = settle(topic, static_cast<int32_t>(i));
    if (!record) continue;
    if (records.size() >= kMaxRecordsPerRequest) return false;
    records.emplace_back(std::move(*record));
  }
  return true;
}

bool PartitionUpdates::settle_roles(int32_t role, MetadataRecords& records) {
  bool room = true;
  visit_roles(input_.image, role, [&](const base::Uuid& id, const BrokerRoles&) {
    room = settle_topic(*input_.image.topic(id), role, records);
    return room;
  });
  return room;
}

bool PartitionUpdates::settle_changed_broker(MetadataRecords& records) {
  bool active = change_.now && change_.now->is_active();
  if (active && !settle_roles(kNoLeader, records)) return false;
  return settle_roles(change_.id, records);
}

bool PartitionUpdates::settle_all(MetadataRecords& records) {
  bool room = true;
  input_.image.topics.for_each([&](const base::Uuid&, const Shared<Topic>& topic) {
    room = room && settle_topic(*topic, std::nullopt, records);
  });
  return room;
}

}  // namespace longhaul::broker::metadata
