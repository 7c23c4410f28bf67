#include "broker/metadata/publisher.h"

#include <memory>
#include <utility>

namespace longhaul::broker::metadata {

ImagePublisher::ImagePublisher() : current_(std::make_shared<const MetadataImage>()) {}

void ImagePublisher::subscribe(ImageListener listener) {
  Shared<MetadataImage> image = current();
  if (image->provenance.offset > 0)
    listener(std::make_shared<const MetadataImage>(), image, all_of(*image));
  listeners_.push_back(std::move(listener));
}

void ImagePublisher::publish(const Shared<MetadataImage>& before,
                             const Shared<MetadataImage>& after, const MetadataChanges& changes) {
  current_.store(after);
  for (const ImageListener& listener : listeners_) listener(before, after, changes);
}

MetadataChanges all_of(const MetadataImage& image) {
  MetadataChanges changes;
  image.topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    auto& change = changes.topics[id];
    change.created = true;
    for (size_t i = 0; i < topic->partitions.size(); ++i)
      change.partitions.insert(change.partitions.end(), static_cast<int32_t>(i));
  });
  image.brokers.for_each([&](int32_t id, const auto&) { changes.brokers.insert(id); });
  image.configs.for_each(
      [&](const ConfigResource& resource, const auto&) { changes.configs.insert(resource); });
  changes.features = !image.features.empty();
  changes.producer_ids = image.next_producer_id != 0;
  return changes;
}

namespace {

bool is_same(const Shared<Broker>& one, const Shared<Broker>& other) { return *one == *other; }
bool is_same(const Shared<ConfigMap>& one, const Shared<ConfigMap>& other) {
  return *one == *other;
}

/// Keys whose values differ, or which only one of the maps has.
template <class Map, class Keys>
void add_different(const Map& before, const Map& after, Keys& keys) {
  after.for_each([&](const auto& key, const auto& value) {
    const auto* old = before.find(key);
    if (old == nullptr || !is_same(*old, value)) keys.insert(key);
  });
  before.for_each([&](const auto& key, const auto&) {
    if (after.find(key) == nullptr) keys.insert(key);
  });
}

void add_different_topics(const MetadataImage& before, const MetadataImage& after,
                          MetadataChanges& changes) {
  after.topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    const Topic* old = before.topic(id);
    MetadataChanges::TopicChange change;
    change.created = old == nullptr;
    for (size_t i = 0; i < topic->partitions.size(); ++i) {
      auto index = static_cast<int32_t>(i);
      const Partition* was = old == nullptr ? nullptr : old->partition(index);
      if (was == nullptr || *was != *topic->partitions[i]) change.partitions.insert(index);
    }
    if (change.created || !change.partitions.empty()) changes.topics[id] = std::move(change);
  });
  before.topics.for_each([&](const base::Uuid& id, const Shared<Topic>& topic) {
    if (after.topic(id) == nullptr) changes.deleted_topics[id] = topic;
  });
}

}  // namespace

MetadataChanges changes_between(const MetadataImage& before, const MetadataImage& after) {
  MetadataChanges changes;
  add_different_topics(before, after, changes);
  add_different(before.brokers, after.brokers, changes.brokers);
  add_different(before.configs, after.configs, changes.configs);
  changes.features = before.features != after.features;
  changes.producer_ids = before.next_producer_id != after.next_producer_id;
  return changes;
}

}  // namespace longhaul::broker::metadata
