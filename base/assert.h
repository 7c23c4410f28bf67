// Assertions for what cannot happen. They stay on in release builds.
#pragma once

namespace longhaul::base {

/// Prints the failed condition with its place and aborts the process.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const char* why);

}  // namespace longhaul::base

/// `why` says in a few words what would be broken if we went on.
#define LH_ASSERT(condition, why)                    \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::longhaul::base::assertion_failed(#condition, __FILE__, __LINE__, why))
