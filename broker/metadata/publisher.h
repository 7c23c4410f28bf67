// Hands each new image to those who live by it.
#pragma once

#include <functional>
#include <vector>

#include "broker/log/published.h"
#include "broker/metadata/delta.h"
#include "broker/metadata/image.h"

namespace longhaul::broker::metadata {

/// Called on the metadata thread, once for each new image, in order: `before` and `after` differ by
/// `changes`. Answers to the requests that caused the image go out after all listeners returned.
using ImageListener =
    std::function<void(const Shared<MetadataImage>& before, const Shared<MetadataImage>& after,
                       const MetadataChanges& changes)>;

class ImagePublisher {
 public:
  ImagePublisher();

  /// The newest committed image; never null. Any thread.
  Shared<MetadataImage> current() const { return current_.load(); }

  /// Metadata thread only (or before it runs). The listener is first called at once, with all there
  /// is as a change from nothing, unless there is nothing yet.
  void subscribe(ImageListener listener);
  /// Metadata thread only.
  void publish(const Shared<MetadataImage>& before, const Shared<MetadataImage>& after,
               const MetadataChanges& changes);

 private:
  log::Published<const MetadataImage> current_;
  std::vector<ImageListener> listeners_;
};

/// Everything that an image holds, as changes from nothing.
MetadataChanges all_of(const MetadataImage& image);
/// What makes one image of the other, where the records in between are not at hand.
MetadataChanges changes_between(const MetadataImage& before, const MetadataImage& after);

}  // namespace longhaul::broker::metadata
