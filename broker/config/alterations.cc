#include "broker/config/alterations.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/config/value.h"

namespace longhaul::broker::config {
namespace {

using base::Errc;
using base::Result;

/// Whatever it is, it can be got rid of: an option of another version, or one that Kafka's tools
/// delete whether it is set or not.
Result<void> alter_unknown(Overrides& overrides, const Alteration& change, const OptionTable& table,
                           std::string_view what) {
  if (change.operation == Operation::kDelete) {
    overrides.erase(change.name);
    return {};
  }
  std::string_view nearest = table.nearest(change.name);
  std::string hint = nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
  return base::fail(Errc::kInvalidArgument,
                    fmt::format("{} is not an option of a {}{}", change.name, what, hint));
}

/// The list that an append or a subtract starts from: what is set, or the default.
std::vector<std::string> current_items(const Overrides& overrides, const Option& option) {
  auto set = overrides.find(option.name);
  if (set != overrides.end()) return value_as_list(set->second);
  return value_as_list(option.fallback.text.value_or(""));
}

Result<void> alter_list(Overrides& overrides, const Option& option, const Alteration& change) {
  if (option.type != Type::kList) {
    return base::fail(Errc::kInvalidArgument,
                      fmt::format("{} is not a list: it can be set or deleted, not appended to or "
                                  "subtracted from",
                                  option.name));
  }
  LH_ASSIGN(std::string given, check_value(option, *change.value));
  std::vector<std::string> items = current_items(overrides, option);
  for (const std::string& item : value_as_list(given)) {
    auto found = std::find(items.begin(), items.end(), item);
    if (change.operation == Operation::kSubtract) {
      if (found != items.end()) items.erase(found);
    } else if (found == items.end()) {
      items.push_back(item);
    }
  }
  LH_ASSIGN(std::string joined, check_value(option, join_list(items)));
  overrides[std::string(option.name)] = std::move(joined);
  return {};
}

Result<void> alter(Overrides& overrides, const Option& option, const Alteration& change) {
  if (change.operation == Operation::kDelete) {
    overrides.erase(change.name);
    return {};
  }
  if (!change.value) {
    return base::fail(
        Errc::kInvalidArgument,
        fmt::format("{}: a value is missing; to go back to the default, delete it", change.name));
  }
  if (change.operation != Operation::kSet) return alter_list(overrides, option, change);
  LH_ASSIGN(std::string value, check_value(option, *change.value));
  overrides[change.name] = std::move(value);
  return {};
}

Result<void> check_changeable(const Option& option, bool cluster_default) {
  std::string reason;
  if (!option.has_effect()) {
    reason = fmt::format("it has no effect here: {}", option.effect.instead);
  } else if (option.update == Update::kReadOnly || option.effect.kind == Effect::Kind::kAtStart) {
    reason = "it is read when the broker starts; set it in server.properties";
  } else if (cluster_default && option.update == Update::kPerBroker) {
    reason = "it is each broker's own and cannot be altered for all";
  }
  if (reason.empty()) return {};
  return base::fail(Errc::kInvalidArgument,
                    fmt::format("{} cannot be altered: {}", option.name, reason));
}

}  // namespace

Result<void> alter_topic(Overrides& topic, const Alteration& change) {
  const Option* option = topic_option_table().find(change.name);
  if (!option) return alter_unknown(topic, change, topic_option_table(), "topic");
  return alter(topic, *option, change);
}

Result<void> alter_broker(Overrides& broker, const Alteration& change, bool cluster_default) {
  const Option* option = broker_options().find(change.name);
  if (!option) return alter_unknown(broker, change, broker_options(), "broker");
  if (change.operation != Operation::kDelete) {
    LH_TRY(check_changeable(*option, cluster_default));
  }
  return alter(broker, *option, change);
}

Result<void> check_topic(const Overrides& topic, const BrokerLayers& layers) {
  auto value = [&](std::string_view name) {
    Setting setting = resolve_topic_option(topic_option_table().get(name), topic, layers);
    return value_as_integer(*setting.value);
  };
  auto tiered = topic.find("remote.storage.enable");
  if (tiered != topic.end() && tiered->second == "true") {
    return base::fail(Errc::kInvalidArgument,
                      "remote.storage.enable: this version of the broker has no tiered storage");
  }
  int64_t least = value("min.compaction.lag.ms"), most = value("max.compaction.lag.ms");
  if (least > most) {
    return base::fail(
        Errc::kInvalidArgument,
        fmt::format("min.compaction.lag.ms ({}) is above max.compaction.lag.ms ({})", least, most));
  }
  return {};
}

Result<void> check_broker(const BrokerLayers& layers) {
  auto value = [&](std::string_view name) -> std::optional<int64_t> {
    Setting setting = resolve_broker_option(broker_options().get(name), layers);
    if (!setting.value) return std::nullopt;
    return value_as_integer(*setting.value);
  };
  auto refuse = [](std::string why) { return base::fail(Errc::kInvalidArgument, std::move(why)); };
  if (value("log.roll.ms").value_or(1) < 1) return refuse("log.roll.ms must be 1 or more");
  if (value("log.roll.jitter.ms").value_or(0) < 0) {
    return refuse("log.roll.jitter.ms must be 0 or more");
  }
  for (std::string_view name :
       {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}) {
    if (value(name) == 0) return refuse(fmt::format("{} must be 1 or more, or -1", name));
  }
  auto least = value("log.cleaner.min.compaction.lag.ms");
  auto most = value("log.cleaner.max.compaction.lag.ms");
  if (least && most && *least > *most) {
    return refuse(fmt::format(
        "log.cleaner.min.compaction.lag.ms ({}) is above log.cleaner.max.compaction.lag.ms ({})",
        *least, *most));
  }
  return {};
}

}  // namespace longhaul::broker::config
