// Randomness as an interface, so that a run can be repeated from a seed.
#pragma once

#include <cstdint>

namespace longhaul::base {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
  /// Uniform in [0, bound); bound must be positive.
  uint64_t below(uint64_t bound) { return next() % bound; }
};

/// SplitMix64: the same numbers from the same seed, everywhere. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() override;

 private:
  uint64_t state_;
};

/// The kernel's getrandom(2), for identifiers that must be unique in the world.
class SystemRandom final : public Random {
 public:
  uint64_t next() override;
};

}  // namespace longhaul::base
