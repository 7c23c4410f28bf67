// What the operator asks of brokers, as an interface: the real one speaks Kafka's protocol.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/uuid.h"
#include "operator/plan/roll.h"
#include "operator/plan/voters.h"

namespace longhaul::op::reconcile {

/// "host:port" of brokers of one region; any of them will do.
using Addresses = std::vector<std::string>;

struct ClusterState {
  std::string cluster_id;
  std::vector<int32_t> brokers;  // node IDs of those that are registered and alive
};

struct TopicState {
  base::Uuid id;
  int32_t partitions = 0;
  int32_t replicas = 0;  // of the first partition
};

struct NewTopic {
  std::string name;
  int32_t partitions = -1;  // -1: the broker's default
  int16_t replicas = -1;    // -1: the broker's default
  std::map<std::string, std::string> config;
};

/// A node that shall vote, and where the other voters reach it.
struct NewVoter {
  plan::QuorumReplica replica;
  std::string host;
  uint16_t port = 0;
};

/// Blocking; safe from any thread. Errors of a broker come with Kafka's name for them:
/// kInvalidArgument what a person must change, kNotFound, kAlreadyExists, everything else is
/// kUnavailable or kTimedOut.
class Kafka {
 public:
  virtual ~Kafka() = default;

  virtual base::Result<ClusterState> describe_cluster(const Addresses& brokers) = 0;
  /// kUnavailable while nobody leads the quorum.
  virtual base::Result<plan::Quorum> describe_quorum(const Addresses& brokers) = 0;
  virtual base::Result<void> add_voter(const Addresses& brokers, const std::string& cluster_id,
                                       const NewVoter& voter) = 0;
  virtual base::Result<void> remove_voter(const Addresses& brokers, const std::string& cluster_id,
                                          const plan::QuorumReplica& voter) = 0;
  /// Of every topic, with the min.insync.replicas that counts for it now.
  virtual base::Result<std::vector<plan::Partition>> list_partitions(const Addresses& brokers) = 0;
  /// Broker options that were altered for all brokers together (KIP-226).
  virtual base::Result<std::map<std::string, std::string>> default_options(
      const Addresses& brokers) = 0;
  virtual base::Result<void> alter_default_options(const Addresses& brokers,
                                                   const std::map<std::string, std::string>& set,
                                                   const std::vector<std::string>& unset) = 0;
  /// None if there is no such topic; never creates one.
  virtual base::Result<std::optional<TopicState>> describe_topic(const Addresses& brokers,
                                                                 const std::string& topic) = 0;
  virtual base::Result<void> create_topic(const Addresses& brokers, const NewTopic& topic) = 0;
  /// By identity, so that a topic that was made anew under the same name is left alone.
  virtual base::Result<void> delete_topic(const Addresses& brokers, const base::Uuid& topic) = 0;
  virtual base::Result<void> grow_topic(const Addresses& brokers, const std::string& topic,
                                        int32_t partitions) = 0;
  /// Options set on the topic itself, without defaults and the broker's.
  virtual base::Result<std::map<std::string, std::string>> topic_config(
      const Addresses& brokers, const std::string& topic) = 0;
  /// Sets and deletes options incrementally.
  virtual base::Result<void> alter_topic_config(const Addresses& brokers, const std::string& topic,
                                                const std::map<std::string, std::string>& set,
                                                const std::vector<std::string>& unset) = 0;
};

}  // namespace longhaul::op::reconcile
