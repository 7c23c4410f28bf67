#include "tests/sim/trace.h"

#include <cstdio>

#include "base/crc32c.h"

namespace longhaul::sim {

uint64_t fnv1a(base::ByteView bytes, uint64_t hash) {
  for (uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

void Trace::add(std::string_view who, std::string_view what) {
  auto now = simulation_.now().count();
  std::string line = fmt::format("{}.{:06} {} {}", now / 1'000'000, now % 1'000'000, who, what);
  digest_ = fnv1a(base::as_bytes(line), digest_);
  if (keep_ == Keep::kPrint) std::printf("%s\n", line.c_str());
  if (keep_ == Keep::kLines) lines_.push_back(std::move(line));
}

std::string describe(base::ByteView bytes) {
  return fmt::format("{} bytes {:08x}", bytes.size(), base::crc32c(bytes));
}

void TraceSink::write(base::LogLevel level, std::string_view area, std::string_view text) {
  static constexpr const char* kNames[] = {"debug", "info", "warn", "error"};
  if (!silent_) trace_.line(who_, "{} [{}] {}", kNames[static_cast<int>(level)], area, text);
}

}  // namespace longhaul::sim
