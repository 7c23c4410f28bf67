// Walks the batches in a segment's file.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/result.h"
#include "records/batch.h"

namespace longhaul::broker::log {

/// For who looks for a batch: headers lie an index interval from an entry at most.
inline constexpr size_t kHeaderChunk = 4096;
/// For who reads every batch.
inline constexpr size_t kBatchChunk = 256u << 10;

/// Reads headers through a buffer of `chunk` bytes and skips what lies between them. Memory stays
/// at that, whatever lengths the file claims, but for load().
///
///     BatchScanner scanner(file, position, end, chunk);
///     for (;;) {
///       LH_ASSIGN(auto header, scanner.next());
///       if (!header) break;               // at the end
///       ... scanner.position() ...        // where this batch begins
///     }
class BatchScanner {
 public:
  /// Only bytes in [position, end) are looked at.
  BatchScanner(const base::File& file, uint64_t position, uint64_t end, size_t chunk)
      : file_(file), next_(position), end_(end), chunk_(chunk) {}

  /// The next batch's header; absent at the end. kCorrupt at what is no whole batch (position()
  /// is where), kUnsupported at one of an older format.
  base::Result<std::optional<records::BatchHeader>> next();
  /// Where the batch that next() gave begins.
  uint64_t position() const { return position_; }

  /// True if the CRC of that batch is that of its bytes. Reads it piece by piece.
  base::Result<bool> crc_matches();
  /// True if an intact batch follows that one whose offset is below `offset`.
  base::Result<bool> is_followed_below(int64_t offset) const;
  /// What is there is damaged: next() goes on with the first intact batch behind it whose offset is
  /// at or above `offset`, as far as a segment reaches. False: there is none.
  base::Result<bool> skip_damage(int64_t offset);
  /// All bytes of that batch.
  base::Result<base::Bytes> load();
  /// The same, valid until the next call of any function; for who reads every batch anyway.
  base::Result<base::ByteView> bytes() { return view(position_, next_ - position_); }

 private:
  base::Result<bool> begins_at(uint64_t position, int64_t offset);
  /// A view of `size` bytes from `from`, valid until the next call; the file must reach there.
  base::Result<base::ByteView> view(uint64_t from, size_t size);

  const base::File& file_;
  uint64_t next_;
  uint64_t end_;
  size_t chunk_;
  uint64_t position_ = 0;
  records::BatchHeader header_;
  base::Bytes buffer_;
  uint64_t buffer_at_ = 0;
};

}  // namespace longhaul::broker::log
