#include "broker/log/log_cleaner.h"

namespace longhaul::broker::log {

using base::Errc;

LogCleaner::LogCleaner(Params params)
    : params_(std::move(params)),
      throttle_(params_.clock, params_.bytes_per_second, params_.pause) {}

std::optional<LogCleaner::Candidate> LogCleaner::choose(const Skipped& skipped) {
  int64_t now_ms = params_.clock.wall_ms();
  std::optional<Candidate> best;
  std::lock_guard lock(mutex_);
  for (const auto& log : params_.logs.logs()) {
    auto config = log->config();
    bool wanted = config->cleanup_compact && !log->config_is_presumed() && !log->is_offline() &&
                  !log->is_uncleanable() && !busy_.contains(log->id()) &&
                  !skipped.contains(log->id());
    if (!wanted || params_.logs.future(log->id())) continue;
    Cleanable what = log->cleanable(now_ms);
    if (what.dirty_bytes == 0) continue;
    bool due = what.is_overdue || what.dirty_ratio() > config->min_cleanable_dirty_ratio;
    if (!due || (best && best->what.dirty_ratio() >= what.dirty_ratio())) continue;
    best = Candidate{log, std::move(what)};
  }
  if (best) busy_.insert(best->log->id());
  return best;
}

bool LogCleaner::clean_next(Skipped& skipped) {
  auto next = choose(skipped);
  if (!next) return false;
  auto done = clean(next->log, std::move(next->what));
  if (!done) skipped.insert(next->log->id());
  std::lock_guard lock(mutex_);
  busy_.erase(next->log->id());
  return done || done.error().code != Errc::kCancelled;
}

base::Result<void> LogCleaner::clean(const std::shared_ptr<Log>& log, Cleanable what) {
  const uint64_t truncations = what.truncations;
  std::optional<Damage> damage;
  auto done = compact(*log, std::move(what), damage);
  // Where a file became shorter meanwhile, what was found there says nothing.
  bool has_changed = log->truncations() != truncations;
  if (done || (has_changed && is_rot(done.error()))) return done;
  note_failure(*log, done.error());
  if (damage && params_.on_damage) params_.on_damage(log, std::move(*damage));
  return done;
}

base::Result<void> LogCleaner::compact(Log& log, Cleanable what, std::optional<Damage>& damage) {
  auto began = params_.clock.monotonic();
  int64_t now_ms = params_.clock.wall_ms();
  const int64_t first_dirty = what.first_dirty;
  const uint64_t truncations = what.truncations;
  LogCompaction compaction(log, std::move(what), params_.settings, throttle_, params_.random,
                           now_ms);
  auto ran = compaction.run();
  damage = compaction.damage();
  LH_ASSIGN(auto compacted, std::move(ran));
  if (compacted.clean_to == first_dirty) {
    return base::fail(Errc::kUnavailable, "nothing to compact yet");
  }
  LH_TRY(log.finish_compaction(compacted.clean_to, truncations));
  ++compactions_;
  bytes_read_ += compacted.bytes_read;
  bytes_written_ += compacted.bytes_written;
  auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(params_.clock.monotonic() - began);
  params_.logger.info("{}: compacted up to offset {}: {} segments of {} bytes are {} of {} ({} ms)",
                      log.id().to_string(), compacted.clean_to, compacted.segments_before,
                      compacted.bytes_before, compacted.segments_after, compacted.bytes_written,
                      took.count());
  return {};
}

void LogCleaner::note_failure(Log& log, const base::Error& why) {
  switch (why.code) {
    case Errc::kCancelled:
    case Errc::kConflict:
    case Errc::kNotFound:
    case Errc::kUnavailable:
      return;  // stopped, or it changed or went meanwhile
    case Errc::kCorrupt:
    case Errc::kUnsupported:
    case Errc::kTooLarge:
      log.set_uncleanable();
      params_.logger.error(
          "{} cannot be compacted and grows until it is repaired, or the next start: {}",
          log.id().to_string(), why.message);
      return;
    case Errc::kNoSpace:
      params_.logger.warn("{} is not compacted: {}", log.id().to_string(), why.message);
      return;
    default:
      log.fail(why);
  }
}

CleanerStats LogCleaner::stats() const {
  return {compactions_.load(), bytes_read_.load(), bytes_written_.load()};
}

}  // namespace longhaul::broker::log
