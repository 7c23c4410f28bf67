#include "broker/log/end_marker.h"

#include "records/record.h"

namespace longhaul::broker::log {

namespace {

constexpr int16_t kAbort = 0;
constexpr int16_t kCommit = 1;

}  // namespace

std::optional<EndMarker> parse_end_marker(const records::BatchView& batch) {
  if (!batch.header.is_control() || batch.header.is_compressed()) return std::nullopt;
  records::RecordReader records(batch.header, batch.payload());
  const records::Record* record = records.next();
  if (record == nullptr || !record->key || !record->value) return std::nullopt;

  base::Reader key(*record->key);
  key.int16();  // version: later ones only add fields
  int16_t type = key.int16();
  base::Reader value(*record->value);
  value.int16();
  int32_t coordinator_epoch = value.int32();
  if (!key.ok() || !value.ok() || (type != kAbort && type != kCommit)) return std::nullopt;
  return EndMarker{type == kCommit, coordinator_epoch};
}

}  // namespace longhaul::broker::log
