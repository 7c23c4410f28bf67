#pragma once

#include <gtest/gtest.h>

#include "tests/golden/vectors.h"

namespace longhaul::golden {

/// All vectors; if they cannot be read the test fails and goes on with none.
inline std::vector<Vector> vectors() {
  auto loaded = load_vectors();
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded.value_or(std::vector<Vector>());
}

}  // namespace longhaul::golden
