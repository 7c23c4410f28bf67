// All partitions that this broker has a replica of.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/config/broker_config.h"
#include "broker/log/log_manager.h"
#include "broker/metadata/delta.h"
#include "broker/partition/early_batches.h"
#include "broker/partition/partition.h"

namespace longhaul::broker::partition {

/// A partition that is to be copied from its leader.
struct Following {
  std::shared_ptr<Partition> partition;
  int32_t leader = metadata::kNoLeader;
  int32_t leader_epoch = -1;
};

/// What a new image changed for this broker.
struct Applied {
  std::vector<Following> following;  // under a new leader epoch
  std::vector<std::shared_ptr<Partition>>
      not_following;                               // any more: we lead, nobody does, or it is gone
  std::vector<std::shared_ptr<Partition>> moving;  // taken up on its way to another log directory
  std::vector<log::TopicPartition> became_leader;
  std::vector<log::TopicPartition> resigned;  // stopped leading, or was deleted
  std::vector<std::string> deleted_topics;    // by name, whether we had a replica or not
};

/// Thread-safe: `find` from any thread, `apply` from one at a time.
class ReplicaManager {
 public:
  ReplicaManager(const config::BrokerConfig& config, log::LogManager& logs,
                 const Surroundings& surroundings, base::Logger log);

  /// Brings logs and roles to where the image has them: creates, deletes, leads, resigns, and
  /// changes settings. Does I/O. A log that cannot be had is said in the log; its partition is
  /// then not found, and `why_missing` says KAFKA_STORAGE_ERROR.
  Applied apply(const metadata::MetadataImage& image, const metadata::MetadataChanges& changes);
  /// The same for a first image, and removes logs of topics that are no more.
  Applied start(const metadata::MetadataImage& image);
  /// Partitions that are not served because room, memory or descriptors were short.
  bool has_unserved() const;
  /// Tries those again.
  Applied retry_unserved(const metadata::MetadataImage& image);
  /// Nothing is served any more.
  void stop();

  /// Why `find` has nothing for a partition of this topic (null: there is none), as clients are
  /// told: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, or KAFKA_STORAGE_ERROR where there
  /// should be a replica here.
  ErrorCode why_missing(const metadata::Topic* topic, int32_t partition) const;
  /// Null if this broker has no replica of it.
  std::shared_ptr<Partition> find(std::string_view topic, int32_t partition) const;
  std::vector<std::shared_ptr<Partition>> all() const;
  /// A producer's batch was refused because its partition, whose topic was named by name or by ID,
  /// was not found; it may be there soon.
  void note_refused(const std::string& topic, const base::Uuid& id, int32_t partition,
                    const records::BatchHeader& batch);

 private:
  using Partitions = std::vector<std::shared_ptr<Partition>>;  // by index; null: not ours

  void apply_partition(const metadata::MetadataImage& image, const metadata::Topic& topic,
                       int32_t index, Applied& applied, log::Presence presence);
  std::shared_ptr<Partition> create(const metadata::MetadataImage& image,
                                    const metadata::Topic& topic, int32_t index,
                                    log::Presence presence);
  void resume_move(Partition& partition);
  void remove_topic(const std::string& topic, Applied& applied);
  std::shared_ptr<Partition> take_out(const log::TopicPartition& id);
  void remove(const std::shared_ptr<Partition>& partition, Applied& applied);
  void refresh_settings(const metadata::MetadataImage& image, std::string_view topic);
  /// True if it could not be served before.
  bool insert(std::shared_ptr<Partition> partition);
  void pass_on_early_batches(Partition& partition);
  void note_unserved(const log::TopicPartition& id, const base::Error& why);
  void warn_of_options(const metadata::MetadataImage& image, const std::string& topic);

  const config::BrokerConfig& config_;
  log::LogManager& logs_;
  const Surroundings& surroundings_;
  base::Logger log_;
  EarlyBatches early_;
  // Of whoever calls `apply`.
  std::set<std::string> warnings_;  // given already

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  mutable std::shared_mutex mutex_;  // of all below; held for look-ups and insertions only
  std::unordered_map<std::string, Partitions, Hash, std::equal_to<>> topics_;
  std::map<log::TopicPartition, base::Error> unserved_;  // replicas whose log is not to be had
};

}  // namespace longhaul::broker::partition
