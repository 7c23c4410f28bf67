#include "operator/api/config_check.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "broker/config/option_table.h"
#include "broker/config/value.h"

namespace longhaul::op::api {
namespace {

namespace options = broker::config;

/// What the operator writes into server.properties itself.
bool is_ours_to_set(std::string_view name) {
  static constexpr std::array<std::string_view, 20> kNames{
      "advertised.listeners",
      "broker.id",
      "broker.rack",
      "controller.listener.names",
      "controller.quorum.bootstrap.servers",
      "controller.quorum.voters",
      "early.start.listeners",
      "inter.broker.listener.name",
      "listener.security.protocol.map",
      "listeners",
      "log.dir",
      "log.dirs",
      "longhaul.cluster.id",
      "longhaul.directory.id",
      "longhaul.format",
      "longhaul.metrics.listener",
      "metadata.log.dir",
      "node.id",
      "process.roles",
      "security.inter.broker.protocol",
  };
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string unknown(const options::OptionTable& table, std::string_view name) {
  std::string message = "unknown option";
  if (std::string_view near = table.nearest(name); !near.empty())
    message += "; did you mean " + std::string(near) + "?";
  return message;
}

void check_one(const options::Option& option, const std::string& value, const std::string& path,
               FieldErrors& errors) {
  if (value.find('\n') != value.npos || value.find("${") != value.npos)
    errors.push_back({path, "may hold neither line breaks nor \"${\""});
  else if (auto checked = options::check_value(option, value); !checked)
    errors.push_back({path, checked.error().message});
}

bool same_value(const options::Option* option, const std::string& a, const std::string& b) {
  if (a == b || !option) return a == b;
  auto x = options::check_value(*option, a);
  auto y = options::check_value(*option, b);
  return x && y && *x == *y;
}

}  // namespace

FieldErrors check_broker_config(const std::map<std::string, std::string>& config,
                                const std::string& path) {
  FieldErrors errors;
  for (const auto& [name, value] : config) {
    std::string at = path + "[" + name + "]";
    if (is_ours_to_set(name)) {
      errors.push_back({at, "is set by the operator"});
    } else if (const options::Option* option = options::broker_options().find(name)) {
      check_one(*option, value, at, errors);
    } else {
      errors.push_back({at, unknown(options::broker_options(), name)});
    }
  }
  return errors;
}

std::optional<int64_t> number_option(const std::map<std::string, std::string>& config,
                                     const std::string& name) {
  auto found = config.find(name);
  if (found == config.end()) return std::nullopt;
  int64_t value = 0;
  const std::string& text = found->second;
  auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

FieldErrors check_topic_config(const std::map<std::string, std::string>& config,
                               const std::string& path) {
  FieldErrors errors;
  for (const auto& [name, value] : config) {
    std::string at = path + "[" + name + "]";
    if (const options::Option* option = options::topic_option_table().find(name))
      check_one(*option, value, at, errors);
    else
      errors.push_back({at, unknown(options::topic_option_table(), name)});
  }
  return errors;
}

bool changes_while_running(const std::string& name) {
  const options::Option* option = options::broker_options().find(name);
  return option && option->update == options::Update::kClusterWide &&
         option->effect.kind == options::Effect::Kind::kInEffect;
}

bool same_broker_value(const std::string& name, const std::string& a, const std::string& b) {
  return same_value(options::broker_options().find(name), a, b);
}

bool same_topic_value(const std::string& name, const std::string& a, const std::string& b) {
  return same_value(options::topic_option_table().find(name), a, b);
}

}  // namespace longhaul::op::api
