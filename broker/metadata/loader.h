// Batches of the log become images; metadata transactions (KIP-868) count whole or not at all.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "broker/metadata/delta.h"
#include "broker/metadata/log_batch.h"

namespace longhaul::broker::metadata {

/// An image that follows another, and what differs.
struct ImageStep {
  Shared<MetadataImage> before;
  Shared<MetadataImage> after;
  MetadataChanges changes;
};

/// Applies entries in log order. Entries between BeginTransactionRecord and EndTransactionRecord
/// are held back until the end is read.
class ImageLoader {
 public:
  explicit ImageLoader(Shared<MetadataImage> image) : image_(std::move(image)) {}

  /// Entries of one batch. kCorrupt as in MetadataDelta; the loader must not be used afterwards.
  base::Result<void> add(const std::vector<LogEntry>& entries, int32_t epoch, int64_t timestamp_ms);

  /// The image up to the last entry added (within a transaction: up to its beginning) as one step
  /// from the image of the step before. Absent if nothing was added since, or all of that is still
  /// within a transaction.
  base::Result<std::optional<ImageStep>> step();

  /// Of the last step; the one it began with before the first.
  const Shared<MetadataImage>& image() const { return image_; }
  /// The last entries added belong to a transaction that has not ended.
  bool in_transaction() const { return in_transaction_; }

 private:
  base::Result<void> add_record(const MetadataRecord& record, int64_t offset);
  MetadataDelta& delta();

  Shared<MetadataImage> image_;  // of the last step
  std::unique_ptr<MetadataDelta> delta_;
  raft::OffsetAndEpoch applied_;
  int64_t timestamp_ms_ = 0;
  bool any_ = false;
  // Within a transaction: its records, to be applied when it ends.
  bool in_transaction_ = false;
  std::vector<std::pair<int64_t, MetadataRecord>> held_;
};

}  // namespace longhaul::broker::metadata
