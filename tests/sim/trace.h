// Everything that happens in a simulation, a line an event, and the digest of it all.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "tests/support/simulation.h"

namespace longhaul::sim {

inline constexpr uint64_t kNoBytes = 0xcbf29ce484222325;
/// FNV-1a with 64 bits, of these bytes behind those that gave `hash`.
uint64_t fnv1a(base::ByteView bytes, uint64_t hash = kNoBytes);

/// Lines are "seconds who what". Two runs are the same if their digests are.
class Trace {
 public:
  enum class Keep { kDigest, kLines, kPrint };
  Trace(const Simulation& simulation, Keep keep) : simulation_(simulation), keep_(keep) {}

  template <class... Args>
  void line(std::string_view who, fmt::format_string<Args...> format, Args&&... args) {
    add(who, fmt::format(format, std::forward<Args>(args)...));
  }
  /// Of all lines so far.
  uint64_t digest() const { return digest_; }
  /// With kLines: all of them.
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void add(std::string_view who, std::string_view what);

  const Simulation& simulation_;
  const Keep keep_;
  uint64_t digest_ = kNoBytes;
  std::vector<std::string> lines_;
};

/// Bytes in a line: how many, and their CRC-32C.
std::string describe(base::ByteView bytes);

/// What a program says goes into the trace.
class TraceSink final : public base::LogSink {
 public:
  TraceSink(Trace& trace, std::string who) : trace_(trace), who_(std::move(who)) {}
  void write(base::LogLevel level, std::string_view area, std::string_view text) override;
  /// Who is dead says nothing more.
  void silence() { silent_ = true; }

 private:
  Trace& trace_;
  const std::string who_;
  bool silent_ = false;
};

}  // namespace longhaul::sim
