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

}  // namespace longhaul::broker::metadata
