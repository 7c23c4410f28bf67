// The groups whose records live in one partition of `__consumer_offsets`.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "broker/groups/group.h"
#include "broker/groups/offsets_topic.h"
#include "records/compression.h"

namespace longhaul::broker::groups {

/// What a shard needs around it, all of which outlives it.
struct ShardContext {
  base::EventLoop& loop;
  const base::Clock& clock;
  base::Random& random;
  const GroupConfig& config;
  OffsetsTopic& topic;
  base::Logger log;
};

/// Exists while this broker leads the partition. It first reads the partition from its beginning,
/// and until it has all of it answers COORDINATOR_LOAD_IN_PROGRESS: what cannot be read, or is
/// damaged, is tried again for as long as it takes. Lives on the coordinator's loop.
class Shard {
 public:
  Shard(int32_t partition, ShardContext context);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  void load();
  /// kNone when it serves, else what to answer.
  protocol::ErrorCode status() const { return status_; }

  Group* find(const std::string& group_id);
  Group& find_or_create(const std::string& group_id);
  const std::unordered_map<std::string, std::unique_ptr<Group>>& groups() const { return groups_; }

  /// Writes records. Once they are committed, however late, `apply` does to memory what loading
  /// them would do, in the order of the log. `done` is told then, or after
  /// `offsets.commit.timeout.ms`, or NOT_COORDINATOR if the shard is gone by then.
  void append(std::vector<KeyValue> records, base::Task apply,
              base::Callback<void(protocol::ErrorCode)> done);
  /// Removes offsets from a group: tombstones first, then from memory, then `done`.
  void remove_offsets(const std::string& group_id, std::vector<OffsetKey> keys,
                      base::Callback<void(protocol::ErrorCode)> done);
  /// Removes the group with all its offsets. It must have no members.
  void remove_group(const std::string& group_id, base::Callback<void(protocol::ErrorCode)> done);
  /// Removes offsets that expired, and groups that nothing is left of.
  void expire();
  void topic_deleted(const std::string& topic);

 private:
  struct Unapplied {
    uint64_t number;
    base::Task apply;
  };
  void committed(uint64_t number);
  void erase_offsets(const std::string& group_id, const std::vector<OffsetKey>& keys);
  void load_from(int64_t offset);
  void load_again(int64_t offset, const std::string& why);
  base::Result<void> replay(base::ByteView batches);
  void apply(DecodedRecord record);
  void finish_load();

  const int32_t partition_;
  ShardContext context_;
  GroupContext group_context_;
  protocol::ErrorCode status_ = protocol::ErrorCode::kCoordinatorLoadInProgress;
  std::unordered_map<std::string, std::unique_ptr<Group>> groups_;
  std::map<std::string, protocol::GroupMetadataValue> loaded_;  // while loading
  int failed_loads_ = 0;                                        // one after the other
  uint64_t appended_ = 0;
  std::deque<Unapplied> unapplied_;  // as they are in the log
  records::Codecs codecs_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace longhaul::broker::groups
