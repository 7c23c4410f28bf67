#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace longhaul::base {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

class StderrSink final : public LogSink {
 public:
  explicit StderrSink(LogLevel least)
      : logger_("longhaul", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    logger_.set_level(to_spdlog(least));
    logger_.flush_on(spdlog::level::debug);
  }

  void write(LogLevel level, std::string_view area, std::string_view text) override {
    logger_.log(to_spdlog(level), "[{}] {}", area, text);
  }

 private:
  spdlog::logger logger_;
};

class NullSink final : public LogSink {
 public:
  void write(LogLevel, std::string_view, std::string_view) override {}
};

}  // namespace

std::unique_ptr<LogSink> make_stderr_sink(LogLevel least) {
  return std::make_unique<StderrSink>(least);
}

LogSink& null_sink() {
  static NullSink sink;  // stateless, so shared by all
  return sink;
}

}  // namespace longhaul::base
