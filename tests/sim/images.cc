#include "tests/sim/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "broker/metadata/publisher.h"

namespace longhaul::sim {

using broker::metadata::MetadataChanges;
using broker::metadata::MetadataImage;

namespace {

template <class Key, class Value>
std::vector<std::pair<Key, Value>> entries(const broker::metadata::PersistentMap<Key, Value>& map) {
  std::vector<std::pair<Key, Value>> all;
  map.for_each([&](const Key& key, const Value& value) { all.emplace_back(key, value); });
  return all;
}

bool have_same_controllers(const MetadataImage& a, const MetadataImage& b) {
  return std::ranges::equal(entries(a.controllers), entries(b.controllers),
                            [](const auto& one, const auto& other) {
                              return one.first == other.first && *one.second == *other.second;
                            });
}

/// Names what differs; empty if nothing does.
std::string difference(const MetadataImage& a, const MetadataImage& b) {
  MetadataChanges changes = broker::metadata::changes_between(a, b);
  if (!changes.deleted_topics.empty() || !changes.topics.empty()) {
    const auto& id = changes.topics.empty() ? changes.deleted_topics.begin()->first
                                            : changes.topics.begin()->first;
    const auto* topic = a.topic(id) ? a.topic(id) : b.topic(id);
    return "topic " + topic->name;
  }
  if (!changes.brokers.empty()) return fmt::format("broker {}", *changes.brokers.begin());
  if (!changes.configs.empty()) return "the options of " + changes.configs.begin()->name;
  if (changes.features) return "features";
  if (changes.producer_ids) return "producer IDs";
  if (!have_same_controllers(a, b)) return "controllers";
  if (a.provenance.epoch != b.provenance.epoch) return "the epoch";
  if (a.last_timestamp_ms != b.last_timestamp_ms) return "the time";
  // What follows from all that.
  if (entries(a.topic_ids) != entries(b.topic_ids)) return "topics by name";
  if (entries(a.topic_collisions) != entries(b.topic_collisions)) return "names that collide";
  if (a.partition_count != b.partition_count) return "the count of partitions";
  if (entries(a.roles) != entries(b.roles)) return "what brokers have to do with topics";
  return "";
}

/// Whether listeners that are told `told` learn of everything in `changes`.
bool tells_all(const MetadataChanges& told, const MetadataChanges& changes) {
  for (const auto& [id, change] : changes.topics) {
    auto found = told.topics.find(id);
    if (found == told.topics.end() || found->second.created != change.created) return false;
    if (!std::ranges::includes(found->second.partitions, change.partitions)) return false;
  }
  bool all_deleted = std::ranges::all_of(changes.deleted_topics, [&](const auto& each) {
    return told.deleted_topics.contains(each.first);
  });
  return all_deleted && std::ranges::includes(told.brokers, changes.brokers) &&
         std::ranges::includes(told.configs, changes.configs) &&
         told.features >= changes.features && told.producer_ids >= changes.producer_ids;
}

}  // namespace

void Images::watch(const std::string& host, broker::app::Node& node) {
  node.images().subscribe([this, host](const auto& before, const auto& after, const auto& told) {
    if (!tells_all(told, broker::metadata::changes_between(*before, *after))) {
      findings_.add("{} does not tell its parts all that offset {} of the metadata changed", host,
                    after->provenance.offset);
    }
    learned(host, after);
  });
}

void Images::learned(const std::string& host,
                     const broker::metadata::Shared<MetadataImage>& image) {
  auto [known, is_new] = known_.try_emplace(image->provenance.offset, Known{host, image});
  if (is_new) return;
  std::string what = difference(*known->second.image, *image);
  if (what.empty()) return;
  findings_.add("{} and {} know the metadata up to offset {} and not the same: {}",
                known->second.host, host, image->provenance.offset, what);
}

}  // namespace longhaul::sim
