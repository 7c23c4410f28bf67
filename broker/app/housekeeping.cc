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
  chores_.push_back(
      std::make_shared<Chore>(Chore{loop_, workers_, interval, std::move(chore), 0, false}));
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

void add_log_chores(Housekeeping& housekeeping, const config::BrokerConfig& config,
                    log::LogManager& logs) {
  // An interval beyond this is as good as never, and a timer's arithmetic stays within bounds.
  constexpr int64_t kLongest = int64_t{1} << 40;
  auto every = [&](const char* option) {
    return milliseconds(std::clamp<int64_t>(config.long_integer(option), 1, kLongest));
  };
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

}  // namespace longhaul::broker::app
