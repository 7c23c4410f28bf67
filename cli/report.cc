#include <fmt/core.h>

#include "cli/commands.h"

namespace longhaul::cli {

int report(const base::Result<void>& result) {
  if (result) return 0;
  fmt::print(stderr, "longhaul: {}\n", result.error().message);
  return 1;
}

}  // namespace longhaul::cli
