#pragma once

#include <cstdint>

namespace longhaul::broker::handlers {

/// The isolation level of Fetch and ListOffsets at which only committed records are seen (KIP-98).
inline constexpr int8_t kReadCommitted = 1;

}  // namespace longhaul::broker::handlers
