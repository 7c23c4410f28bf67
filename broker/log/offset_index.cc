#include "broker/log/offset_index.h"

namespace longhaul::broker::log {

namespace {

OffsetPosition decode(const uint8_t* entry, int64_t base_offset) {
  return {base_offset + base::load_big_endian<int32_t>(entry),
          base::load_big_endian<uint32_t>(entry + 4)};
}

}  // namespace

void OffsetIndex::append(int64_t offset, uint64_t position) {
  uint8_t entry[kEntrySize];
  base::store_big_endian(entry, static_cast<int32_t>(offset - base_offset_));
  base::store_big_endian(entry + 4, static_cast<uint32_t>(position));
  file_.append(entry);
}

base::Result<OffsetPosition> OffsetIndex::find(int64_t offset) const {
  uint8_t entry[kEntrySize];
  LH_ASSIGN(
      auto found,
      file_.find_last([&](const uint8_t* at) { return decode(at, base_offset_).offset <= offset; },
                      entry));
  if (!found) return OffsetPosition{base_offset_, 0};
  return decode(entry, base_offset_);
}

base::Result<OffsetPosition> OffsetIndex::last() const {
  size_t count = file_.count();
  if (count == 0) return OffsetPosition{base_offset_, 0};
  uint8_t entry[kEntrySize];
  LH_TRY(file_.read(count - 1, 1, entry));
  return decode(entry, base_offset_);
}

base::Result<void> OffsetIndex::truncate(int64_t offset) {
  uint8_t entry[kEntrySize];
  LH_ASSIGN(
      auto found,
      file_.find_last([&](const uint8_t* at) { return decode(at, base_offset_).offset < offset; },
                      entry));
  return file_.truncate(found ? *found + 1 : 0);
}

}  // namespace longhaul::broker::log
