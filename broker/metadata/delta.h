// From one image to the next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "base/result.h"
#include "broker/metadata/image.h"
#include "broker/metadata/record.h"

namespace longhaul::broker::metadata {

/// What a run of records changed.
struct MetadataChanges {
  struct TopicChange {
    bool created = false;
    std::set<int32_t> partitions;  ///< added or changed
  };
  std::map<base::Uuid, TopicChange> topics;            ///< those that exist afterwards
  std::map<base::Uuid, Shared<Topic>> deleted_topics;  ///< as they were before
  std::set<int32_t> brokers;                           ///< registered, changed or gone
  std::set<ConfigResource> configs;                    ///< set, changed or deleted
  bool features = false;
  bool producer_ids = false;
};

/// Applies records to an image. The outcome depends on nothing but the image and the records.
class MetadataDelta {
 public:
  explicit MetadataDelta(Shared<MetadataImage> base);

  /// kCorrupt if the record contradicts what came before it (a partition of no topic …): then the
  /// log is not what a controller wrote, and the delta must be thrown away. `offset` is the
  /// record's, for the message. Transaction records do nothing here (see loader.h).
  base::Result<void> apply(const MetadataRecord& record, int64_t offset);

  /// Raft's own record of kraft.version.
  void set_kraft_version(int16_t level);

  const Shared<MetadataImage>& base() const { return base_; }
  const MetadataChanges& changes() const { return changes_; }

  /// The new image; the delta must not be applied to afterwards. kCorrupt if a topic has a gap in
  /// its partitions.
  base::Result<Shared<MetadataImage>> finish(raft::OffsetAndEpoch provenance, int64_t timestamp_ms);

 private:
  using Done = base::Result<void>;
  Done on(const protocol::RegisterBrokerRecord& record);
  Done on(const protocol::UnregisterBrokerRecord& record);
  Done on(const protocol::TopicRecord& record);
  Done on(const protocol::PartitionRecord& record);
  Done on(const protocol::ConfigRecord& record);
  Done on(const protocol::PartitionChangeRecord& record);
  Done on(const protocol::FenceBrokerRecord& record);
  Done on(const protocol::UnfenceBrokerRecord& record);
  Done on(const protocol::RemoveTopicRecord& record);
  Done on(const protocol::FeatureLevelRecord& record);
  Done on(const protocol::ProducerIdsRecord& record);
  Done on(const protocol::BrokerRegistrationChangeRecord& record);
  Done on(const protocol::NoOpRecord&) { return {}; }
  Done on(const protocol::BeginTransactionRecord&) { return {}; }
  Done on(const protocol::EndTransactionRecord&) { return {}; }
  Done on(const protocol::AbortTransactionRecord&) { return {}; }
  Done on(const protocol::RegisterControllerRecord& record);
  Done on(const protocol::ClearElrRecord& record);

  /// A copy of the topic that may still be changed; null if there is no such topic.
  Topic* open_topic(const base::Uuid& id);
  /// A copy of the broker at this epoch, not yet part of the image.
  base::Result<std::shared_ptr<Broker>> open_broker(int32_t id, int64_t epoch);
  void put_broker(std::shared_ptr<Broker> broker);

  /// Counts what brokers have to do with a partition that was or is now; null if it was or is not.
  void count_roles(const base::Uuid& topic, const Partition* before, const Partition* now);
  void put_roles();

  Shared<MetadataImage> base_;
  MetadataImage next_;
  std::map<BrokerTopic, BrokerRoles> role_changes_;
  std::map<base::Uuid, std::shared_ptr<Topic>> open_topics_;
  MetadataChanges changes_;
};

}  // namespace longhaul::broker::metadata
