// What a broker does every now and then.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "broker/config/broker_config.h"
#include "broker/log/log_cleaner.h"
#include "broker/log/log_manager.h"
#include "broker/log/log_scrubber.h"

namespace longhaul::broker::app {

/// Runs chores on workers, each again its interval after it has ended. Started and stopped on its
/// loop; a chore that runs when it is stopped ends by itself.
class Housekeeping {
 public:
  Housekeeping(base::EventLoop& loop, base::Executor& workers);
  ~Housekeeping();

  void add(std::chrono::milliseconds interval, std::function<void()> chore);
  /// The same on `workers` of the chore's own.
  void add(std::chrono::milliseconds interval, base::Executor& workers,
           std::function<void()> chore);
  void start();
  void stop();

 private:
  struct Chore;
  static void arm(const std::shared_ptr<Chore>& chore);

  base::EventLoop& loop_;
  base::Executor& workers_;
  std::vector<std::shared_ptr<Chore>> chores_;
};

/// Retention, flushes, checkpoints and the rest of what logs want, at the intervals of Kafka's
/// options.
void add_log_chores(Housekeeping& housekeeping, const config::BrokerConfig& config,
                    log::LogManager& logs);

// The `workers` of these are held up for long.
/// Compaction, by log.cleaner.threads at a time.
void add_cleaner_chores(Housekeeping& housekeeping, const config::BrokerConfig& config,
                        base::Executor& workers, log::LogCleaner& cleaner);
/// Checks of what is stored, if longhaul.scrub.bytes.per.second allows for any.
void add_scrubber_chore(Housekeeping& housekeeping, const config::BrokerConfig& config,
                        base::Executor& workers, log::LogScrubber& scrubber);
/// The memory and buffers of one thread that compacts.
log::CompactionSettings compaction_settings(const config::BrokerConfig& config);

}  // namespace longhaul::broker::app
