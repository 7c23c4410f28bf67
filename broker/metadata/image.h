// What the metadata log says, up to one offset of it. An image never changes; a new one shares all
// that is equal with the old. Broker, handlers and controller all decide by images.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "broker/metadata/persistent_map.h"
#include "broker/raft/types.h"

namespace longhaul::broker::metadata {

inline constexpr int32_t kNoLeader = -1;
/// PartitionChangeRecord's leader where the change is about something else.
inline constexpr int32_t kLeaderUnchanged = -2;

/// A partition as PartitionRecord has it.
struct Partition {
  std::vector<int32_t> replicas;
  std::vector<int32_t> isr;
  std::vector<int32_t> removing;
  std::vector<int32_t> adding;
  std::vector<base::Uuid> directories;  ///< one for each of `replicas`
  std::vector<int32_t> elr;             ///< eligible leader replicas (KIP-966)
  std::vector<int32_t> last_known_elr;
  int32_t leader = kNoLeader;
  int32_t leader_epoch = 0;
  int32_t partition_epoch = 0;
  int8_t leader_recovery_state = 0;  ///< 1: recovering from an unclean election (KIP-704)

  /// The preferred leader: the first replica.
  int32_t preferred() const { return replicas.empty() ? kNoLeader : replicas.front(); }
  /// Where this broker's replica lies; the zero ID if it has none, or has not told.
  base::Uuid directory_of(int32_t broker) const;
  bool operator==(const Partition&) const = default;
};

/// Partition i stands at index i; there are no gaps.
struct Topic {
  std::string name;
  base::Uuid id;
  std::vector<std::shared_ptr<const Partition>> partitions;

  const Partition* partition(int32_t index) const {
    if (index < 0 || static_cast<size_t>(index) >= partitions.size()) return nullptr;
    return partitions[static_cast<size_t>(index)].get();
  }
};

/// Values as in Kafka's SecurityProtocol.
enum class SecurityProtocol : int16_t {
  kPlaintext = 0,
  kSsl = 1,
  kSaslPlaintext = 2,
  kSaslSsl = 3
};

struct BrokerEndpoint {
  std::string listener;
  std::string host;
  uint16_t port = 0;
  SecurityProtocol protocol = SecurityProtocol::kPlaintext;
  bool operator==(const BrokerEndpoint&) const = default;
};

struct FeatureRange {
  int16_t min = 0;
  int16_t max = 0;
  bool operator==(const FeatureRange&) const = default;
};

/// A registered broker, as RegisterBrokerRecord has it.
struct Broker {
  int32_t id = -1;
  int64_t epoch = -1;      ///< offset of its registration's record
  base::Uuid incarnation;  ///< of the process: another one is another run of the broker
  std::vector<BrokerEndpoint> endpoints;
  std::map<std::string, FeatureRange> features;
  std::optional<std::string> rack;
  std::vector<base::Uuid> directories;  ///< log directories that work, sorted
  std::vector<base::Uuid> cordoned;     ///< those that take no new replicas (KIP-1066)
  bool fenced = true;
  bool in_controlled_shutdown = false;

  const BrokerEndpoint* endpoint(const std::string& listener) const;
  /// May be given replicas and lead them.
  bool is_active() const { return !fenced && !in_controlled_shutdown; }
  bool operator==(const Broker&) const = default;
};

/// A registered controller, as RegisterControllerRecord has it.
struct ControllerRegistration {
  int32_t id = -1;
  base::Uuid incarnation;
  std::vector<BrokerEndpoint> endpoints;
  std::map<std::string, FeatureRange> features;
  bool operator==(const ControllerRegistration&) const = default;
};

/// Values as in Kafka's ConfigResource.Type.
enum class ResourceType : int8_t {
  kUnknown = 0,
  kTopic = 2,
  kBroker = 4,
  kBrokerLogger = 8,
  kClientMetrics = 16,
  kGroup = 32,
};

/// Whose options: a topic by name, a broker by ID in digits, or "" for all brokers.
struct ConfigResource {
  ResourceType type = ResourceType::kUnknown;
  std::string name;
  auto operator<=>(const ConfigResource&) const = default;
};

/// Options that were set, by name. Names may be unknown to us: they are kept.
using ConfigMap = std::map<std::string, std::string, std::less<>>;

/// What a broker has to do with a topic; under kNoLeader, `leads` counts what nobody leads.
struct BrokerRoles {
  int32_t leads = 0;     ///< partitions
  int32_t in_sync = 0;   ///< partitions whose ISR it is in
  int32_t eligible = 0;  ///< partitions whose ELR it is in
  bool operator==(const BrokerRoles&) const = default;
};

struct BrokerTopic {
  int32_t broker = kNoLeader;
  base::Uuid topic;
  auto operator<=>(const BrokerTopic&) const = default;
};

template <class T>
using Shared = std::shared_ptr<const T>;

struct MetadataImage {
  /// Of the last record applied; {0, 0} before the first. `provenance.offset` is the next one.
  raft::OffsetAndEpoch provenance;
  int64_t last_timestamp_ms = 0;  ///< of the last batch applied

  PersistentMap<base::Uuid, Shared<Topic>> topics;
  PersistentMap<std::string, base::Uuid> topic_ids;  ///< by name
  /// Names that hold '.' or '_', by `collision_key` (topic_name.h).
  PersistentMap<std::string, std::string> topic_collisions;
  int64_t partition_count = 0;
  /// Where to look when a broker comes or goes; no entry where there is nothing to count. Follows
  /// from `topics`.
  PersistentMap<BrokerTopic, BrokerRoles> roles;
  PersistentMap<int32_t, Shared<Broker>> brokers;
  PersistentMap<int32_t, Shared<ControllerRegistration>> controllers;
  PersistentMap<ConfigResource, Shared<ConfigMap>> configs;
  std::map<std::string, int16_t> features;  ///< finalized levels, without kraft.version
  /// What raft's own records say of it; with 1 the voters stand in the log (KIP-853).
  int16_t kraft_version = 0;
  int64_t next_producer_id = 0;  ///< the first one of no block handed out yet

  const Topic* topic(const std::string& name) const;
  const Topic* topic(const base::Uuid& id) const;
  const Partition* partition(const std::string& topic, int32_t index) const;
  const Broker* broker(int32_t id) const;
  /// How many brokers are neither fenced nor about to stop.
  size_t active_brokers() const;
  /// An empty map if nothing was set.
  const ConfigMap& config(const ConfigResource& resource) const;
  /// 0 if the feature was not finalized.
  int16_t feature_level(const std::string& name) const;
  /// By name, kraft.version among them if it is above 0: what counts for clients.
  std::map<std::string, int16_t> finalized_features() const;
};

}  // namespace longhaul::broker::metadata
