#include "broker/app/log_params.h"

#include <atomic>
#include <memory>
#include <string>

#include "broker/app/housekeeping.h"
#include "broker/metadata/image.h"
#include "broker/partition/topic_settings.h"

namespace longhaul::broker::app {
namespace {

/// The node goes on as long as there is a directory for partitions, and its metadata can be
/// written.
std::function<void(const std::string&, const base::Error&)> directory_failure_handler(
    const config::BrokerConfig& config, const NodeEnvironment& environment) {
  auto left = std::make_shared<std::atomic<size_t>>(config.log_dirs.size());
  return [left, metadata_dir = config.metadata_log_dir, &loop = environment.metadata_loop,
          on_fatal = environment.on_fatal](const std::string& path, const base::Error& why) {
    if (--*left > 0 && path != metadata_dir) return;
    loop.post([on_fatal, path, why] { on_fatal(base::fail_in(path, why).value()); });
  };
}

}  // namespace

log::LogManager::Params log_manager_params(const config::BrokerConfig& config,
                                           NodeEnvironment& environment) {
  return {.files = &environment.files,
          .clock = &environment.clock,
          .random = &environment.random,
          .logger = base::Logger(environment.log, "log"),
          .directories = config.log_dirs,
          .config_of =
              [&config](const std::string& topic) {
                // Until the metadata is known, which tells the topic's own options.
                auto settings =
                    partition::resolve_topic_settings(topic, metadata::MetadataImage{}, config);
                return std::shared_ptr<const log::LogConfig>(settings, &settings->log);
              },
          .producer_expiration_ms = config.integer("producer.id.expiration.ms"),
          .cancelled = environment.cancelled,
          .on_directory_failure = directory_failure_handler(config, environment)};
}

log::LogCleaner::Params log_cleaner_params(const config::BrokerConfig& config,
                                           const NodeEnvironment& environment,
                                           log::LogManager& logs,
                                           const std::shared_ptr<LogRepair>& repair) {
  return {.logs = logs,
          .clock = environment.clock,
          .random = environment.random,
          .logger = base::Logger(environment.log, "cleaner"),
          .settings = compaction_settings(config),
          .bytes_per_second = config.number("log.cleaner.io.max.bytes.per.second"),
          .pause = environment.pause,
          .on_damage = [repair](auto log, auto damage) {
            repair->repair(std::move(log), std::move(damage));
          }};
}

log::LogScrubber::Params log_scrubber_params(const config::BrokerConfig& config,
                                             const NodeEnvironment& environment,
                                             log::LogManager& logs,
                                             const std::shared_ptr<LogRepair>& repair) {
  auto rate = static_cast<double>(config.long_integer("longhaul.scrub.bytes.per.second"));
  return {.logs = logs,
          .clock = environment.clock,
          .logger = base::Logger(environment.log, "scrubber"),
          .bytes_per_second = rate,
          .pause = environment.pause,
          .on_damage = [repair](auto log, auto damage) {
            repair->repair(std::move(log), std::move(damage));
          }};
}

}  // namespace longhaul::broker::app
