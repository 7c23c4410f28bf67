#include "broker/groups/shard.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/groups/commit.h"
#include "records/batch.h"
#include "records/record.h"

namespace longhaul::broker::groups {

using protocol::ErrorCode;

namespace {

// Nobody but a coordinator writes here; a batch that grows beyond this is not one of its own.
constexpr size_t kMaxPlainBatch = 256 << 20;
/// Before what could not be loaded is read again; twice as long each time.
constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{30'000};

/// Goes to whoever waits for an append: when it is committed, or when that takes too long.
struct Reply {
  Reply(base::EventLoop& on, base::Callback<void(ErrorCode)> then)
      : loop(on), done(std::move(then)) {}

  void finish(ErrorCode outcome) {
    if (!done) return;
    loop.cancel(timer);
    std::exchange(done, {})(outcome);
  }

  base::EventLoop& loop;
  base::Callback<void(ErrorCode)> done;
  base::TimerId timer = 0;
};

}  // namespace

Shard::Shard(int32_t partition, ShardContext context)
    : partition_(partition), context_(context), group_context_{context.loop,   context.clock,
                                                               context.random, context.config,
                                                               context.log,    {}} {
  group_context_.store = [this](const std::string& group, protocol::GroupMetadataValue value,
                                base::Callback<void(ErrorCode)> done) {
    std::vector<KeyValue> records;
    records.push_back(encode_group(group, value));
    append(
        std::move(records), [] {},
        [done = std::move(done)](ErrorCode outcome) mutable { done(commit_error(outcome)); });
  };
}

Shard::~Shard() { *alive_ = false; }

void Shard::load() { load_from(0); }

void Shard::load_from(int64_t offset) {
  context_.topic.read(
      partition_, offset,
      [this, alive = std::weak_ptr<bool>(alive_), offset](protocol::KafkaResult<LogChunk> chunk) {
        if (alive.expired()) return;
        if (!chunk) return load_again(offset, chunk.error().message);
        auto replayed = replay(chunk->batches);
        if (!replayed) return load_again(offset, replayed.error().message);
        failed_loads_ = 0;
        if (!chunk->at_end) return load_from(chunk->next_offset);
        finish_load();
      });
}

// A disk may answer the next time, and what is damaged here comes from another replica: to serve
// without it would be to lose what was committed. What of the chunk was replayed is once more.
void Shard::load_again(int64_t offset, const std::string& why) {
  auto pause = std::min(kLongestPause, kFirstPause * (1 << std::min(failed_loads_++, 16)));
  context_.log.error(
      "__consumer_offsets-{} cannot be loaded from offset {} on: {}; its groups stay unavailable, "
      "it is tried again in {} ms",
      partition_, offset, why, pause.count());
  context_.loop.after(pause, [this, alive = std::weak_ptr<bool>(alive_), offset] {
    if (!alive.expired()) load_from(offset);
  });
}

base::Result<void> Shard::replay(base::ByteView batches) {
  records::BatchWalker walker(batches);
  while (const records::BatchView* batch = walker.next()) {
    if (!records::crc_matches(batch->bytes)) {
      return base::fail(
          base::Errc::kCorrupt,
          "the CRC of the batch at " + std::to_string(batch->header.base_offset) + " is wrong");
    }
    if (batch->header.is_control()) continue;
    base::Bytes scratch;
    LH_ASSIGN(
        base::ByteView payload,
        records::plain_payload(codecs_, batch->header, batch->payload(), kMaxPlainBatch, scratch));
    records::RecordReader reader(batch->header, payload);
    while (const records::Record* record = reader.next()) {
      if (!record->key) continue;
      LH_ASSIGN(DecodedRecord decoded, decode_record(*record->key, record->value));
      apply(std::move(decoded));
    }
    if (reader.error()) return base::fail_in("a batch of it", *reader.error());
  }
  if (walker.error()) return base::fail_in("a batch of it", *walker.error());
  return {};
}

void Shard::apply(DecodedRecord record) {
  if (auto* offset = std::get_if<OffsetRecord>(&record)) {
    if (offset->value) {
      find_or_create(offset->key.group).offsets[offset->key.topic][offset->key.partition] =
          std::move(*offset->value);
    } else if (Group* group = find(offset->key.group)) {
      group->erase_offset(offset->key.topic, offset->key.partition);
    }
  } else if (auto* group = std::get_if<GroupRecord>(&record)) {
    if (group->value) {
      loaded_[group->group] = std::move(*group->value);
    } else {
      loaded_.erase(group->group);
      Group* known = find(group->group);
      if (known && known->offsets.empty()) groups_.erase(group->group);
    }
  }
}

void Shard::finish_load() {
  for (const auto& [id, stored] : loaded_) find_or_create(id).members.restore(stored);
  size_t with_members = loaded_.size();
  loaded_.clear();
  std::erase_if(groups_, [&](const auto& each) {
    return each.second->is_spent() && each.second->members.protocol_type().empty();
  });
  status_ = ErrorCode::kNone;
  if (groups_.empty()) return;
  context_.log.info("__consumer_offsets-{}: loaded {} groups, {} of them with metadata", partition_,
                    groups_.size(), with_members);
}

Group* Shard::find(const std::string& group_id) {
  auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : found->second.get();
}

Group& Shard::find_or_create(const std::string& group_id) {
  auto& group = groups_[group_id];
  if (!group) group = std::make_unique<Group>(group_id, group_context_);
  return *group;
}

void Shard::append(std::vector<KeyValue> records, base::Task apply,
                   base::Callback<void(ErrorCode)> done) {
  uint64_t number = ++appended_;
  unapplied_.push_back({number, std::move(apply)});
  auto reply = std::make_shared<Reply>(context_.loop, std::move(done));
  reply->timer = context_.loop.after(std::chrono::milliseconds(context_.config.commit_timeout_ms),
                                     [reply] { reply->finish(ErrorCode::kRequestTimedOut); });
  context_.topic.append(
      partition_, std::move(records),
      [this, alive = std::weak_ptr<bool>(alive_), number, reply](ErrorCode outcome) {
        if (alive.expired()) return reply->finish(ErrorCode::kNotCoordinator);
        if (outcome == ErrorCode::kNone) {
          committed(number);
        } else {
          std::erase_if(unapplied_, [&](const auto& each) { return each.number == number; });
        }
        reply->finish(outcome);
      });
}

/// With it all before it, even if word of that is still on its way from another thread.
void Shard::committed(uint64_t number) {
  while (!unapplied_.empty() && unapplied_.front().number <= number) {
    base::Task apply = std::move(unapplied_.front().apply);
    unapplied_.pop_front();
    apply();
  }
}

void Shard::remove_offsets(const std::string& group_id, std::vector<OffsetKey> keys,
                           base::Callback<void(ErrorCode)> done) {
  std::vector<KeyValue> tombstones;
  tombstones.reserve(keys.size());
  for (const OffsetKey& key : keys) tombstones.push_back(encode_offset_tombstone(key));
  auto apply = [this, group_id, keys = std::move(keys)] { erase_offsets(group_id, keys); };
  append(std::move(tombstones), std::move(apply), std::move(done));
}

void Shard::remove_group(const std::string& group_id, base::Callback<void(ErrorCode)> done) {
  std::vector<OffsetKey> keys;
  std::vector<KeyValue> tombstones;
  if (Group* group = find(group_id)) {
    for (const auto& [topic, partitions] : group->offsets) {
      for (const auto& [partition, offset] : partitions) {
        keys.push_back({group_id, topic, partition});
        tombstones.push_back(encode_offset_tombstone(keys.back()));
      }
    }
  }
  tombstones.push_back(encode_group_tombstone(group_id));
  auto apply = [this, group_id, keys = std::move(keys)] {
    erase_offsets(group_id, keys);
    Group* group = find(group_id);
    // An offset that was on its way when the group was removed keeps it, as the log does.
    bool is_left = group && (group->members.has_members() || !group->offsets.empty());
    if (!is_left) groups_.erase(group_id);
  };
  append(std::move(tombstones), std::move(apply), std::move(done));
}

void Shard::erase_offsets(const std::string& group_id, const std::vector<OffsetKey>& keys) {
  Group* group = find(group_id);
  if (!group) return;
  for (const OffsetKey& key : keys) group->erase_offset(key.topic, key.partition);
}

void Shard::expire() {
  if (status_ != ErrorCode::kNone) return;
  int64_t now = context_.clock.wall_ms();
  std::vector<std::string> spent;
  for (auto& [id, group] : groups_) {
    std::vector<OffsetKey> expired;
    for (const auto& [topic, partitions] : group->offsets) {
      for (const auto& [partition, offset] : partitions) {
        if (group->is_expired(topic, offset, now, context_.config.offsets_retention_ms)) {
          expired.push_back({id, topic, partition});
        }
      }
    }
    if (!expired.empty()) {
      context_.log.info("group {}: {} committed offsets expired", id, expired.size());
      remove_offsets(id, std::move(expired), [](ErrorCode) {});
    } else if (group->is_spent()) {
      spent.push_back(id);
    }
  }
  for (const std::string& id : spent) remove_group(id, [](ErrorCode) {});
}

void Shard::topic_deleted(const std::string& topic) {
  for (auto& [id, group] : groups_) {
    auto of_topic = group->offsets.find(topic);
    if (of_topic == group->offsets.end()) continue;
    std::vector<OffsetKey> keys;
    for (const auto& [partition, offset] : of_topic->second) keys.push_back({id, topic, partition});
    remove_offsets(id, std::move(keys), [](ErrorCode) {});
  }
}

}  // namespace longhaul::broker::groups
