#include "broker/log/time_index.h"

namespace longhaul::broker::log {

namespace {

TimestampOffset decode(const uint8_t* entry, int64_t base_offset) {
  return {base::load_big_endian<int64_t>(entry),
          base_offset + base::load_big_endian<int32_t>(entry + 8)};
}

}  // namespace

void TimeIndex::append(int64_t timestamp, int64_t offset) {
  if (timestamp <= last_timestamp_) return;
  uint8_t entry[kEntrySize];
  base::store_big_endian(entry, timestamp);
  base::store_big_endian(entry + 8, static_cast<int32_t>(offset - base_offset_));
  file_.append(entry);
  last_timestamp_ = timestamp;
}

base::Result<TimestampOffset> TimeIndex::find(int64_t timestamp) const {
  uint8_t entry[kEntrySize];
  LH_ASSIGN(auto found,
            file_.find_last(
                [&](const uint8_t* at) { return decode(at, base_offset_).timestamp <= timestamp; },
                entry));
  if (!found) return TimestampOffset{-1, base_offset_};
  return decode(entry, base_offset_);
}

base::Result<TimestampOffset> TimeIndex::last() const {
  size_t count = file_.count();
  if (count == 0) return TimestampOffset{-1, base_offset_};
  uint8_t entry[kEntrySize];
  LH_TRY(file_.read(count - 1, 1, entry));
  return decode(entry, base_offset_);
}

base::Result<void> TimeIndex::truncate(int64_t offset) {
  uint8_t entry[kEntrySize];
  LH_ASSIGN(
      auto found,
      file_.find_last([&](const uint8_t* at) { return decode(at, base_offset_).offset < offset; },
                      entry));
  LH_TRY(file_.truncate(found ? *found + 1 : 0));
  return adopt_last();
}

base::Result<void> TimeIndex::adopt_last() {
  LH_ASSIGN(TimestampOffset newest, last());
  last_timestamp_ = newest.timestamp;
  return {};
}

}  // namespace longhaul::broker::log
