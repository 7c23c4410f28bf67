// Administration of a cluster: topics, their configuration, who is there. Blocking calls.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "client/pool.h"
#include "protocol/error_code.h"

namespace longhaul::client {

struct Node {
  int32_t id = -1;
  std::string host;
  uint16_t port = 0;
  std::string rack;  // empty: none
};

struct ClusterDescription {
  std::string cluster_id;
  int32_t controller_id = -1;
  std::vector<Node> brokers;
};

/// A replica of the metadata log, as the quorum's leader sees it (KIP-595, KIP-853).
struct QuorumReplica {
  int32_t id = -1;
  base::Uuid directory;
  int64_t log_end_offset = -1;
  int64_t last_caught_up_ms = -1;  // by the leader's wall clock; -1: never
};

struct QuorumDescription {
  int32_t leader = -1;
  int32_t leader_epoch = -1;
  int64_t high_watermark = -1;
  std::vector<QuorumReplica> voters;
  std::vector<QuorumReplica> observers;
};

/// A controller's address for the other voters.
struct VoterListener {
  std::string name;
  std::string host;
  uint16_t port = 0;
};

struct PartitionDescription {
  int32_t index = 0;
  int32_t leader = -1;  // -1: none
  int32_t leader_epoch = -1;
  std::vector<int32_t> replicas;
  std::vector<int32_t> in_sync;
};

struct TopicDescription {
  std::string name;
  base::Uuid id;
  bool internal = false;
  std::vector<PartitionDescription> partitions;  // by index
};

struct TopicSpec {
  std::string name;
  int32_t partitions = -1;  // -1: the broker's num.partitions
  int16_t replicas = -1;    // -1: the broker's default.replication.factor
  std::map<std::string, std::string> config;
};

/// Where a value of an option comes from; the numbers are DescribeConfigs'.
enum class ConfigSource : int8_t {
  kUnknown = 0,
  kTopic = 1,
  kDynamicBroker = 2,
  kDynamicDefaultBroker = 3,
  kStaticBroker = 4,
  kDefault = 5,
};

struct ConfigValue {
  std::optional<std::string> value;
  ConfigSource source = ConfigSource::kUnknown;
  bool read_only = false;
  bool sensitive = false;
};

enum class ResourceKind : int8_t { kTopic = 2, kBroker = 4 };

/// Asks any broker of a cluster; the first address that answers. Safe from any thread. Errors that
/// a broker answers carry Kafka's name for them: "orders: TOPIC_ALREADY_EXISTS: …"; their codes
/// are kNotFound, kAlreadyExists, kInvalidArgument, kPermission, and kUnavailable for what may
/// work later.
class Admin {
 public:
  explicit Admin(Pool& pool, std::vector<Endpoint> bootstrap)
      : pool_(pool), bootstrap_(std::move(bootstrap)) {}

  base::Result<ClusterDescription> describe_cluster();
  /// kUnavailable while no leader is known.
  base::Result<QuorumDescription> describe_quorum();
  /// Makes an observer that has caught up a voter; done once that is committed.
  base::Result<void> add_voter(const std::string& cluster_id, int32_t id,
                               const base::Uuid& directory, const VoterListener& at);
  /// kNotFound if that replica does not vote.
  base::Result<void> remove_voter(const std::string& cluster_id, int32_t id,
                                  const base::Uuid& directory);
  /// All topics, by name.
  base::Result<std::vector<TopicDescription>> list_topics();
  /// kNotFound if there is no such topic; never creates one.
  base::Result<TopicDescription> describe_topic(const std::string& name);
  base::Result<void> create_topic(const TopicSpec& topic);
  base::Result<void> delete_topic(const std::string& name);
  base::Result<void> delete_topic(const base::Uuid& id);
  /// `partitions` is how many there shall be altogether.
  base::Result<void> create_partitions(const std::string& topic, int32_t partitions);
  base::Result<std::map<std::string, ConfigValue>> describe_configs(ResourceKind kind,
                                                                    const std::string& name);
  /// The value of one option that counts for each topic; topics that do not exist are left out.
  base::Result<std::map<std::string, std::string>> topic_option(
      const std::vector<std::string>& topics, const std::string& option);
  /// Sets and deletes single options (KIP-339).
  base::Result<void> alter_configs(ResourceKind kind, const std::string& name,
                                   const std::map<std::string, std::string>& set,
                                   const std::vector<std::string>& unset);

 private:
  template <class Response, class Request>
  base::Result<Response> ask(const Request& request);

  Pool& pool_;
  const std::vector<Endpoint> bootstrap_;
};

/// A broker's error code as an error of ours; `what` is what it is about.
base::Error broker_error(protocol::ErrorCode code, const std::string& what,
                         const std::optional<std::string>& message);

}  // namespace longhaul::client
