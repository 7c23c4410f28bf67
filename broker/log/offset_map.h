// Which record of a key is the last one: what compaction knows of the records it looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace longhaul::broker::log {

/// A map of a fixed size from keys to offsets. Of a key only 128 bits are kept, of a SipHash under
/// a secret of its own: no two keys of a log will ever have the same, and nobody who chooses keys
/// can make it so.
class OffsetMap {
 public:
  /// What one key takes.
  static constexpr size_t kEntryBytes = 24;

  /// Takes `slots` * kEntryBytes, at most `load_factor` (0 ... 1) of which are filled.
  OffsetMap(size_t slots, double load_factor, base::Random& random);

  /// The last record of this key so far. False, and nothing changes, if there is no room.
  bool put(base::ByteView key, int64_t offset);
  /// -1 for a key that is not there.
  int64_t get(base::ByteView key) const;
  size_t size() const { return size_; }

 private:
  struct Hash {
    uint64_t low = 0;
    uint64_t high = 0;
    bool operator==(const Hash&) const = default;
  };
  struct Slot {
    Hash hash;
    int64_t offset = -1;  // -1: free
  };
  static_assert(sizeof(Slot) == kEntryBytes);

  Hash hash_of(base::ByteView key) const;
  /// Where this hash is, or else the free slot where it belongs.
  size_t find(const Hash& hash) const;

  uint64_t secret_[2];
  std::vector<Slot> slots_;
  size_t most_;
  size_t size_ = 0;
};

}  // namespace longhaul::broker::log
