#include "base/random.h"

#include <sys/random.h>

#include "base/assert.h"

namespace longhaul::base {

uint64_t SeededRandom::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t SystemRandom::next() {
  uint64_t value = 0;
  ssize_t got = ::getrandom(&value, sizeof(value), 0);
  LH_ASSERT(got == sizeof(value), "the kernel gives random bytes once booted");
  return value;
}

}  // namespace longhaul::base
