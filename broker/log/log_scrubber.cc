#include "broker/log/log_scrubber.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "broker/log/batch_scanner.h"

namespace longhaul::broker::log {

using base::Errc;

namespace {

constexpr std::chrono::hours kBetweenPasses{24};
constexpr size_t kScrubChunk = 128u << 10;
/// Of one segment; who has so many will not miss the others.
constexpr size_t kMostFindings = 100;

}  // namespace

LogScrubber::LogScrubber(Params params)
    : params_(std::move(params)),
      throttle_(params_.clock, params_.bytes_per_second, params_.pause) {}

void LogScrubber::run() {
  auto now = params_.clock.monotonic();
  if (began_ && now - *began_ < kBetweenPasses) return;
  found_ = 0;
  for (const auto& log : params_.logs.logs()) {
    if (auto done = scrub(log); !done) return;  // called off
  }
  began_ = now;
  damaged_ = found_;
  ++passes_;
}

base::Result<void> LogScrubber::scrub(const std::shared_ptr<Log>& log) {
  int64_t from = 0;
  while (auto segment = log->next_cold_segment(from)) {
    LH_TRY(scrub(log, segment));
    from = segment->base_offset() + 1;
  }
  return {};
}

base::Result<void> LogScrubber::scrub(const std::shared_ptr<Log>& log,
                                      const std::shared_ptr<Segment>& segment) {
  uint64_t truncations = log->truncations();
  std::vector<Finding> findings;
  auto done = check(*segment, findings);
  if (!done && done.error().code == Errc::kCancelled) return done;
  // What was cut off meanwhile, or lies on a disk that has failed altogether, has not rotted.
  if (log->is_offline() || log->truncations() != truncations) return {};
  if (!done && done.error().code == Errc::kIo) log->fail(done.error());
  std::optional<int64_t> told;
  for (const auto& finding : findings) {
    params_.logger.error("{} is damaged: {} at position {}: {}", log->id().to_string(),
                         segment->paths()[0], finding.position, finding.what);
    // Of several in a row the first: only there is known what belongs there.
    if (std::exchange(told, finding.offset) == finding.offset || !params_.on_damage) continue;
    params_.on_damage(log, {segment, finding.position, finding.offset, truncations});
  }
  found_ += findings.size();
  damaged_ = std::max(damaged_.load(), found_);
  return {};
}

base::Result<void> LogScrubber::check(const Segment& segment, std::vector<Finding>& findings) {
  LH_ASSIGN(auto file, segment.file());
  int64_t next = segment.base_offset();
  BatchScanner scanner(*file, 0, segment.size(), kScrubChunk);
  while (findings.size() < kMostFindings) {
    auto header = scanner.next();
    if (!header && !is_rot(header.error())) return tl::unexpected(header.error());
    if (!header) findings.push_back({scanner.position(), next, header.error().message});
    if (!header || !*header) return {};
    std::string where = fmt::format("the batch at offset {}: ", (*header)->base_offset);
    auto intact = scanner.crc_matches();
    if (!intact && !is_rot(intact.error())) return tl::unexpected(intact.error());
    if (!intact) findings.push_back({scanner.position(), next, where + intact.error().message});
    if (intact && !*intact) findings.push_back({scanner.position(), next, where + "wrong CRC"});
    // What a damaged header says is not to be relied on.
    if (intact && *intact) next = (*header)->next_offset();
    bytes_read_ += (*header)->size_bytes();
    LH_TRY(throttle_.pace((*header)->size_bytes()));
  }
  return {};
}

ScrubStats LogScrubber::stats() const {
  return {bytes_read_.load(), damaged_.load(), passes_.load()};
}

}  // namespace longhaul::broker::log
