#include "broker/app/housekeeping.h"

#include <algorithm>

namespace longhaul::broker::app {

using std::chrono::milliseconds;

struct Housekeeping::Chore {
  base::EventLoop& loop;
  base::Executor& workers;
  milliseconds interval;
  std::function<void()> run;
  base::TimerId timer = 0;  // on the loop only, as is `stopped`
  bool stopped = false;
};

Housekeeping::Housekeeping(base::EventLoop& loop, base::Executor& workers)
    : loop_(loop), workers_(workers) {}

Housekeeping::~Housekeeping() = default;

void Housekeeping::add(milliseconds interval, std::function<void()> chore) {
  add(interval, workers_, std::move(chore));
}

void Housekeeping::add(milliseconds interval, base::Executor& workers,
                       std::function<void()> chore) {
  chores_.push_back(
      std::make_shared<Chore>(Chore{loop_, workers, interval, std::move(chore), 0, false}));
}

void Housekeeping::start() {
  for (const auto& chore : chores_) arm(chore);
}

void Housekeeping::stop() {
  for (const auto& chore : chores_) {
    chore->stopped = true;
    if (chore->timer != 0) loop_.cancel(chore->timer);
    chore->timer = 0;
  }
}

void Housekeeping::arm(const std::shared_ptr<Chore>& chore) {
  if (chore->stopped) return;
  chore->timer = chore->loop.after(chore->interval, [chore] {
    chore->timer = 0;
    chore->workers.post([chore] {
      chore->run();
      chore->loop.post([chore] { arm(chore); });
    });
  });
}

namespace {

/// An interval beyond this is as good as never, and a timer's arithmetic stays within bounds.
constexpr int64_t kLongestInterval = int64_t{1} << 40;

milliseconds interval_of(const config::BrokerConfig& config, const char* option) {
  return milliseconds(std::clamp<int64_t>(config.long_integer(option), 1, kLongestInterval));
}

}  // namespace

void add_log_chores(Housekeeping& housekeeping, const config::BrokerConfig& config,
                    log::LogManager& logs) {
  auto every = [&](const char* option) { return interval_of(config, option); };
  housekeeping.add(every("log.retention.check.interval.ms"),
                   [&logs] { logs.delete_old_segments(); });
  // Kafka's default for this is never, and a rolled segment is then flushed right away.
  auto flush_interval = std::min(every("log.flush.scheduler.interval.ms"), milliseconds(5'000));
  housekeeping.add(flush_interval, [&logs] { logs.flush_due(); });
  housekeeping.add(every("log.flush.offset.checkpoint.interval.ms"),
                   [&logs] { logs.write_checkpoints(); });
  housekeeping.add(every("replica.high.watermark.checkpoint.interval.ms"),
                   [&logs] { logs.write_high_watermarks(); });
  housekeeping.add(milliseconds(600'000), [&logs] { logs.expire_producers(); });
  housekeeping.add(milliseconds(5'000), [&logs] { logs.remove_deleted(); });
  housekeeping.add(milliseconds(60'000), [&logs] { logs.close_idle_files(); });
}

void add_cleaner_chores(Housekeeping& housekeeping, const config::BrokerConfig& config,
                        base::Executor& workers, log::LogCleaner& cleaner) {
  if (!config.boolean("log.cleaner.enable")) return;
  for (int i = 0; i < config.integer("log.cleaner.threads"); ++i) {
    housekeeping.add(interval_of(config, "log.cleaner.backoff.ms"), workers, [&cleaner] {
      log::LogCleaner::Skipped skipped;
      while (cleaner.clean_next(skipped)) {
      }
    });
  }
}

void add_scrubber_chore(Housekeeping& housekeeping, const config::BrokerConfig& config,
                        base::Executor& workers, log::LogScrubber& scrubber) {
  if (config.long_integer("longhaul.scrub.bytes.per.second") == 0) return;
  housekeeping.add(milliseconds(10'000), workers, [&scrubber] { scrubber.run(); });
}

log::CompactionSettings compaction_settings(const config::BrokerConfig& config) {
  int64_t threads = std::max(1, config.integer("log.cleaner.threads"));
  int64_t buffer = std::max<int64_t>(config.long_integer("log.cleaner.dedupe.buffer.size"), 0);
  int64_t io_buffer = config.integer("log.cleaner.io.buffer.size");  // for reads, and for writes
  return {.map_slots = static_cast<size_t>(buffer / threads) / log::OffsetMap::kEntryBytes,
          .map_load_factor = config.number("log.cleaner.io.buffer.load.factor"),
          .io_buffer_bytes = static_cast<size_t>(io_buffer / threads / 2)};
}

}  // namespace longhaul::broker::app
