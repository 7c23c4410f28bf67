// Reading server.properties: every option by itself here, what they say together in
// cross_checks.cc.
#include <fmt/format.h>

#include "broker/config/broker_config.h"
#include "broker/config/cross_checks.h"
#include "broker/config/effects.h"
#include "broker/config/options.h"
#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

using base::Errc;

constexpr std::string_view kOwnPrefix = "longhaul.";
constexpr std::string_view kListenerPrefix = "listener.name.";

class Loader {
 public:
  void read(const std::string& name, const Property& property) {
    if (property.previous_line != 0) {
      warn("{} stands on lines {} and {}; the last counts", name, property.previous_line,
           property.line);
    }
    const Option* option = broker_options().find(name);
    if (!option) return read_unknown(name, property);
    if (option->effect.kind == Effect::Kind::kDropped) {
      return warn("{} (line {}) does nothing, Kafka has dropped it; in its place: {}", name,
                  property.line, option->effect.instead);
    }
    base::Result<std::string> value = check_value(*option, property.value);
    if (!value) return error("line {}: {}", property.line, value.error().message);
    std::string warning = effect_warning(*option, *value);
    if (!warning.empty()) warn("{} (line {}) {}", name, property.line, warning);
    loaded_.config.file[name] = *std::move(value);
  }

  base::Result<LoadedConfig> finish() {
    if (errors_.empty()) derive(loaded_.config, errors_, loaded_.warnings);
    if (errors_.empty()) return std::move(loaded_);
    return base::fail(Errc::kInvalidArgument, fmt::format("{}", fmt::join(errors_, "\n")));
  }

 private:
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    loaded_.warnings.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    errors_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  void read_unknown(const std::string& name, const Property& property) {
    if (name.starts_with(kListenerPrefix)) {
      return warn(
          "{} (line {}) has no effect in this version: listeners have no options of their "
          "own yet",
          name, property.line);
    }
    std::string_view nearest = broker_options().nearest(name);
    std::string hint = nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
    if (name.starts_with(kOwnPrefix)) {
      return error("line {}: {} is not an option{}", property.line, name, hint);
    }
    warn("{} (line {}) is not an option and does nothing{}", name, property.line, hint);
  }

  LoadedConfig loaded_;
  std::vector<std::string> errors_;
};

}  // namespace

base::Result<LoadedConfig> load_broker_config(std::string_view text) {
  LH_ASSIGN(Properties properties, parse_properties(text));
  Loader loader;
  for (const auto& [name, property] : properties) loader.read(name, property);
  return loader.finish();
}

}  // namespace longhaul::broker::config
