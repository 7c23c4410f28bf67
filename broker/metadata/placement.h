// Which brokers get the replicas of new partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "broker/metadata/image.h"
#include "broker/metadata/record.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::metadata {

/// Replicas in order of preference, one list for each partition.
using Assignment = std::vector<std::vector<int32_t>>;

/// Spreads `partitions` × `replication_factor` replicas over the registered brokers: each active
/// broker leads as many as any other (±1); the replicas of a partition are on as many racks as
/// there are, and beyond that on the brokers that have the fewest, in pairs that chance makes.
/// Fenced brokers come only behind all active ones; brokers with all directories cordoned get
/// nothing. INVALID_REPLICATION_FACTOR in Kafka's words.
protocol::KafkaResult<Assignment> place(const MetadataImage& image, int32_t partitions,
                                        int16_t replication_factor, base::Random& random);

/// The directory of a replica that is new on this broker: its only one, or the zero ID: the broker
/// chooses, and tells (KIP-858).
base::Uuid directory_on(const MetadataImage& image, int32_t broker_id);

/// Checks one list that a client chose. `replication_factor`: what earlier lists had, if any.
/// INVALID_REPLICA_ASSIGNMENT in Kafka's words.
protocol::KafkaResult<> check_manual(const MetadataImage& image,
                                     const std::vector<int32_t>& replicas,
                                     std::optional<size_t> replication_factor);

/// A new partition on these brokers: ISR and leader are those that are active.
/// INVALID_REPLICA_ASSIGNMENT if none is.
protocol::KafkaResult<protocol::PartitionRecord> new_partition(
    const MetadataImage& image, const base::Uuid& topic_id, int32_t index,
    const std::vector<int32_t>& replicas);

}  // namespace longhaul::broker::metadata
