// What producers were told is stored, and how much of it each replica has: brokers as a controller
// must think of them. Whoever is in sync or eligible has all of it, or records are lost.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "base/random.h"
#include "broker/metadata/eligible_replicas.h"
#include "broker/metadata/partition_change.h"

namespace longhaul::broker::metadata {

class AcknowledgedModel {
 public:
  explicit AcknowledgedModel(base::Random& random) : random_(random) {}

  /// Some of what the broker's replicas in these directories had is gone, or all.
  void lose(const MetadataImage& image, int32_t broker,
            const std::function<bool(const base::Uuid& directory)>& where) {
    image.topics.for_each([&](const base::Uuid& id, const auto& topic) {
      for (size_t i = 0; i < topic->partitions.size(); ++i) {
        const Partition& partition = *topic->partitions[i];
        if (!holds(partition.replicas, broker) || !where(partition.directory_of(broker))) continue;
        begin_anew(id, static_cast<int32_t>(i), broker);
      }
    });
  }
  void begin_anew(const base::Uuid& topic, int32_t index, int32_t broker) {
    Data& data = partitions_[{topic, index}];
    data.has[broker] = any(data.has[broker] + 1);
    data.lost.insert(broker);
  }
  /// It has fetched what a leader must know to let it into the ISR.
  void catch_up(const base::Uuid& topic, int32_t index, int32_t broker) {
    Data& data = partitions_[{topic, index}];
    data.has[broker] = std::max(data.has[broker], data.acknowledged);
    data.lost.erase(broker);
  }

  /// New leaders: what these do not have is lost, and it must be one that may lose it. `joined`:
  /// who came into an ISR with the change that made the leader.
  void follow(const MetadataImage& before, const MetadataImage& after,
              const std::vector<int32_t>& joined) {
    std::map<Key, Data> now;
    after.topics.for_each([&](const base::Uuid& id, const auto& topic) {
      const Topic* was = before.topic(id);
      for (size_t i = 0; i < topic->partitions.size(); ++i) {
        Key key{id, static_cast<int32_t>(i)};
        Data& data = now[key] = partitions_[key];
        const Partition* old = was == nullptr ? nullptr : was->partition(key.second);
        const Partition& partition = *topic->partitions[i];
        std::erase_if(data.has,
                      [&](const auto& each) { return !holds(partition.replicas, each.first); });
        bool elected = old != nullptr && partition.leader_epoch != old->leader_epoch &&
                       partition.leader != kNoLeader;
        if (!elected) continue;
        bool clean = holds(old->isr, partition.leader) || holds(old->elr, partition.leader) ||
                     holds(joined, partition.leader);
        SCOPED_TRACE(topic->name + "-" + std::to_string(i));
        lead(data, partition.leader, clean, has_eligible_replicas(after));
      }
    });
    partitions_ = std::move(now);
  }

  /// Producers write, followers copy some of it, and what all in sync have is acknowledged, if
  /// those are enough.
  void write(const MetadataImage& image, const ConfigRules& rules, int32_t node) {
    image.topics.for_each([&](const base::Uuid& id, const auto& topic) {
      auto least =
          static_cast<size_t>(election_rules(image, rules, topic->name, node).min_insync_replicas);
      for (size_t i = 0; i < topic->partitions.size(); ++i) {
        const Partition& partition = *topic->partitions[i];
        if (partition.leader == kNoLeader || any(2) == 0) continue;
        Data& data = partitions_[{id, static_cast<int32_t>(i)}];
        int64_t end = data.has[partition.leader] += any(3);
        int64_t everywhere = end;
        for (int32_t member : partition.isr) {
          int64_t& has = data.has[member];
          has += any(std::max<int64_t>(end - has, 0) + 1);
          everywhere = std::min(everywhere, has);
        }
        if (partition.isr.size() >= std::min(least, partition.replicas.size()))
          data.acknowledged = std::max(data.acknowledged, everywhere);
      }
    });
  }

  void check(const MetadataImage& image) {
    bool elr = has_eligible_replicas(image);
    image.topics.for_each([&](const base::Uuid& id, const auto& topic) {
      for (size_t i = 0; i < topic->partitions.size(); ++i) {
        const Partition& partition = *topic->partitions[i];
        Data& data = partitions_[{id, static_cast<int32_t>(i)}];
        SCOPED_TRACE(topic->name + "-" + std::to_string(i));
        for (int32_t member : partition.elr)
          EXPECT_GE(data.has[member], data.acknowledged) << member << " is not eligible";
        // Without ELR the last that was in sync stays so, whatever becomes of it.
        if (partition.leader == kNoLeader && !elr) continue;
        for (int32_t member : partition.isr)
          EXPECT_GE(data.has[member], data.acknowledged) << member << " is not in sync";
      }
    });
  }

 private:
  using Key = std::pair<base::Uuid, int32_t>;
  struct Data {
    int64_t acknowledged = 0;        // records
    std::map<int32_t, int64_t> has;  // by replica
    std::set<int32_t> lost;          // who lost some since it was in sync
  };

  int64_t any(int64_t bound) {
    return static_cast<int64_t>(random_.below(static_cast<uint64_t>(bound)));
  }

  void lead(Data& data, int32_t leader, bool clean, bool elr) {
    int64_t end = data.has[leader];
    if (!clean || (!elr && data.lost.contains(leader)))
      data.acknowledged = std::min(data.acknowledged, end);
    EXPECT_GE(end, data.acknowledged) << "what was acknowledged is lost with leader " << leader;
    data.lost.erase(leader);
    for (auto& [id, has] : data.has) has = std::min(has, end);
  }

  base::Random& random_;
  std::map<Key, Data> partitions_;
};

}  // namespace longhaul::broker::metadata
