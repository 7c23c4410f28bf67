#include "broker/metadata/loader.h"

#include <fmt/core.h>

#include <utility>

namespace longhaul::broker::metadata {

using base::Errc;
using base::fail;

MetadataDelta& ImageLoader::delta() {
  if (!delta_) delta_ = std::make_unique<MetadataDelta>(image_);
  return *delta_;
}

base::Result<void> ImageLoader::add(const std::vector<LogEntry>& entries, int32_t epoch,
                                    int64_t timestamp_ms) {
  for (const LogEntry& entry : entries) {
    if (const auto* record = std::get_if<MetadataRecord>(&entry.what))
      LH_TRY(add_record(*record, entry.offset));
    if (const auto* kraft = std::get_if<KraftVersion>(&entry.what))
      delta().set_kraft_version(kraft->level);
    if (in_transaction_) continue;
    applied_ = {entry.offset + 1, epoch};
    timestamp_ms_ = timestamp_ms;
    any_ = true;
  }
  return {};
}

base::Result<void> ImageLoader::add_record(const MetadataRecord& record, int64_t offset) {
  if (std::holds_alternative<protocol::BeginTransactionRecord>(record)) {
    if (in_transaction_)
      return fail(Errc::kCorrupt,
                  fmt::format("metadata transaction within another at offset {}", offset));
    in_transaction_ = true;
    return {};
  }
  if (std::holds_alternative<protocol::AbortTransactionRecord>(record)) {
    held_.clear();
    in_transaction_ = false;
    return {};
  }
  if (std::holds_alternative<protocol::EndTransactionRecord>(record)) {
    for (const auto& [at, held] : std::exchange(held_, {})) LH_TRY(delta().apply(held, at));
    in_transaction_ = false;
    return {};
  }
  if (in_transaction_) {
    held_.emplace_back(offset, record);
    return {};
  }
  return delta().apply(record, offset);
}

base::Result<std::optional<ImageStep>> ImageLoader::step() {
  if (!any_) return std::optional<ImageStep>();
  any_ = false;
  MetadataDelta& last = delta();
  LH_ASSIGN(Shared<MetadataImage> after, last.finish(applied_, timestamp_ms_));
  ImageStep step{std::exchange(image_, after), after, last.changes()};
  delta_.reset();
  return std::optional<ImageStep>(std::move(step));
}

}  // namespace longhaul::broker::metadata
