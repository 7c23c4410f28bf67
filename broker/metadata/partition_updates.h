// Changes to many partitions in one decision: rules by topic, brokers as the decision makes them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "broker/metadata/controller.h"
#include "broker/metadata/partition_change.h"

namespace longhaul::broker::metadata {

/// What a decision does to a broker, for what it decides about partitions in the same batch.
struct BrokerChange {
  int32_t id = -1;
  std::optional<Broker> now;  ///< absent: unregistered
  /// It came back without having shut down in order, or none of its directories works any more:
  /// what it had in memory is lost.
  bool unclean = false;
};

/// True if replicas in this directory work: the broker has it online, or has not yet told where the
/// replica lies (KIP-858).
bool is_online(const Broker& broker, const base::Uuid& directory);

/// True if the broker is the leader of any partition.
bool leads_any(const MetadataImage& image, int32_t broker);

/// STALE_BROKER_EPOCH unless the broker is registered at this epoch.
protocol::ErrorCode check_broker_epoch(const MetadataImage& image, int32_t broker, int64_t epoch);

/// Decides about one partition after the other, by the image and at most one broker's change.
class PartitionUpdates {
 public:
  explicit PartitionUpdates(const ControllerInput& input, BrokerChange change = {})
      : input_(input), change_(std::move(change)) {}

  /// True if this replica may be in sync and lead: its broker is active and its directory online.
  bool may_lead(const Partition& partition, int32_t broker) const;
  bool unclean_allowed(const Topic& topic) { return rules_of(topic).unclean; }

  /// Whether a request may change this partition now. Once only: the image does not hold the first
  /// change yet. And only while there are fewer than kMaxRecordsPerRequest `records`.
  enum class Claim { kGranted, kTwice, kFull };
  Claim claim(const base::Uuid& topic, int32_t index, const MetadataRecords& records);

  /// The record that makes the partition what is wanted, if that is a change. Without an
  /// `election`, the topic's options say whether an unclean one is allowed.
  std::optional<protocol::PartitionChangeRecord> change(
      const Topic& topic, int32_t index, PartitionTarget target,
      std::optional<Election> election = std::nullopt);
  /// What follows from brokers that came and went: only replicas that may lead stay in sync, and a
  /// leader is elected where it is needed and possible.
  std::optional<protocol::PartitionChangeRecord> settle(const Topic& topic, int32_t index);

  /// Settles what the changed broker has to do with, and if it may lead now, what has no leader;
  /// until there are kMaxRecordsPerRequest `records`. True if nothing is left.
  bool settle_changed_broker(MetadataRecords& records);
  /// The same for all partitions there are.
  bool settle_all(MetadataRecords& records);

 private:
  const Broker* broker(int32_t id) const;
  /// See PartitionRules.
  bool lost(const Partition& partition, int32_t broker) const;
  const ElectionRules& rules_of(const Topic& topic);
  /// `role`: partitions in whose ISR or ELR this broker is, or which it leads; kNoLeader: those
  /// that the changed broker could lead and nobody does. False if `records` got full.
  bool settle_roles(int32_t role, MetadataRecords& records);
  bool settle_topic(const Topic& topic, std::optional<int32_t> role, MetadataRecords& records);
  bool concerns(const Partition& partition, int32_t role) const;

  const ControllerInput& input_;
  BrokerChange change_;
  base::Uuid rules_topic_;
  std::optional<ElectionRules> rules_;  // of that topic
  std::set<std::pair<base::Uuid, int32_t>> claimed_;
};

}  // namespace longhaul::broker::metadata
