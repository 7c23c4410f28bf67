// How many files the process may have open (RLIMIT_NOFILE).
#pragma once

#include <cstdint>
#include <string>

namespace longhaul::broker::app {

/// Raises the limit to the most that this process may have; what it is then.
uint64_t raise_open_file_limit();
/// What to tell whoever starts a broker with this limit; empty if it is enough.
std::string warn_of_open_file_limit(uint64_t limit);

}  // namespace longhaul::broker::app
