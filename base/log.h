// Logging for people: one line an event, with the room that says it.
#pragma once

#include <fmt/core.h>

#include <memory>
#include <string_view>

namespace longhaul::base {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

/// Where lines go. Safe from any thread.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view area, std::string_view text) = 0;
};

/// A room's handle on the sink. Cheap to copy; the sink must outlive it.
class Logger {
 public:
  Logger(LogSink& sink, std::string_view area) : sink_(&sink), area_(area) {}

  /// The same sink under another area (a string that lives for ever, such as a literal).
  Logger with_area(std::string_view area) const { return {*sink_, area}; }

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    sink_->write(LogLevel::kDebug, area_, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    sink_->write(LogLevel::kInfo, area_, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) const {
    sink_->write(LogLevel::kWarn, area_, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    sink_->write(LogLevel::kError, area_, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  LogSink* sink_;
  std::string_view area_;
};

/// Lines on standard error through spdlog, with time and level; below `least` they are dropped.
std::unique_ptr<LogSink> make_stderr_sink(LogLevel least);

/// Drops everything, for tests and tools that have nothing to say.
LogSink& null_sink();

}  // namespace longhaul::base
