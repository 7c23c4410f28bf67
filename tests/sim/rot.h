// A bit that flips on a machine's disk, in what was written long ago.
#pragma once

#include <optional>
#include <string>

#include "base/random.h"
#include "tests/sim/host.h"

namespace longhaul::sim {

struct Rot {
  std::string path;
  uint64_t at = 0;
  base::Bytes before;  // what stood there and around it
  base::Bytes around;  // what stands there now

  /// Flips one in a segment of a topic that is not its last. Absent if there is none. Never in a
  /// base offset or leader epoch, which a broker sets: no CRC covers them, and nobody could tell.
  static std::optional<Rot> choose(Host& host, base::Random& random);
  /// Somebody has put back what stood there.
  bool is_mended(Host& host) const;
  /// Flips it back, if that place still is what it was.
  void undo(Host& host) const;
};

}  // namespace longhaul::sim
