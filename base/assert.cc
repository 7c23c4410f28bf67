#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace longhaul::base {

void assertion_failed(const char* condition, const char* file, int line, const char* why) {
  std::fprintf(stderr, "longhaul: assertion failed: %s (%s) at %s:%d\n", condition, why, file,
               line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace longhaul::base
