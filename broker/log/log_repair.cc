// Batches of another replica in the place of damaged ones.
#include <algorithm>

#include "broker/log/batch_scanner.h"
#include "broker/log/log.h"

namespace longhaul::broker::log {

using base::Errc;

namespace {

/// Where what another replica has meets what is here.
class Mending {
 public:
  Mending(const base::File& file, const Damage& damage, int64_t segment_end)
      : file_(file), damage_(damage), segment_end_(segment_end) {}

  /// Of these batches, the bytes up to where what is here goes on; 0: they end before that. They
  /// must be intact and without a gap: where compaction took some away, replicas may differ.
  base::Result<size_t> fitting(base::ByteView bytes) const {
    records::BatchWalker walker(bytes);
    int64_t next = damage_.offset;
    while (const records::BatchView* batch = walker.next()) {
      if (batch->header.base_offset != next)
        return base::fail(Errc::kConflict, "records were compacted away there");
      if (!records::crc_matches(batch->bytes))
        return base::fail(Errc::kCorrupt, "what it has is damaged too");
      next = batch->header.next_offset();
      LH_ASSIGN(bool fits, goes_on_at(damage_.position + walker.position(), next));
      if (fits) return walker.position();
    }
    if (walker.error()) return tl::unexpected(*walker.error());
    return 0;
  }

 private:
  base::Result<bool> goes_on_at(uint64_t position, int64_t offset) const {
    uint64_t end = damage_.segment->size();
    if (position > end || offset > segment_end_)
      return base::fail(Errc::kConflict, "its batches are others than ours");
    if (position == end) return offset == segment_end_;
    BatchScanner scanner(file_, position, end, kBatchChunk);
    auto header = scanner.next();
    if (!header || !*header || (*header)->base_offset != offset) return false;
    return scanner.crc_matches();
  }

  const base::File& file_;
  const Damage& damage_;
  const int64_t segment_end_;
};

}  // namespace

base::Result<bool> Log::repair(const Damage& damage, base::ByteView bytes) {
  std::lock_guard flushing(flush_mutex_);
  auto list = segments_.load();
  auto at = std::find(list->begin(), list->end(), damage.segment);
  if (truncations() != damage.truncations || list->end() - at < 2) {
    return base::fail(Errc::kConflict, "the log has changed meanwhile");
  }
  LH_ASSIGN(auto file, damage.segment->file());
  LH_ASSIGN(size_t size, Mending(*file, damage, (*(at + 1))->base_offset()).fitting(bytes));
  if (size == 0) return false;
  LH_TRY(file->write_at(damage.position, bytes.first(size)));
  LH_TRY(file->sync());
  uncleanable_.store(false, std::memory_order_release);
  return true;
}

}  // namespace longhaul::broker::log
