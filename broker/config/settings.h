// Where an option's value comes from, and which of several wins (KIP-226, KIP-339).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/config/option_table.h"

namespace longhaul::broker::config {

/// DescribeConfigs' `ConfigSource`.
enum class Source : int8_t {
  kTopic = 1,
  kDynamicBroker = 2,         ///< altered for this broker
  kDynamicDefaultBroker = 3,  ///< altered for all brokers
  kStaticBroker = 4,          ///< in server.properties
  kDefault = 5,
};

/// Values in normal form (see value.h) by option name: those of one resource, as its ConfigRecords
/// hold them, or of a file.
using Overrides = std::map<std::string, std::string, std::less<>>;

/// What is set for a broker, the first layer winning. Null is an empty layer.
struct BrokerLayers {
  const Overrides* broker = nullptr;           // altered for this broker
  const Overrides* cluster_default = nullptr;  // altered for all: the broker resource named ""
  const Overrides* file = nullptr;
};

/// One place that gives, or would give, an option its value.
struct SettingSource {
  std::string name;  // of the option there, which may be a synonym
  std::string value;
  Source source = Source::kDefault;
};

/// An option's value as it counts now.
struct Setting {
  const Option* option = nullptr;
  std::optional<std::string> value;  // normal form; nullopt is null
  Source source = Source::kDefault;
  std::vector<SettingSource> synonyms;  // all places, the winner first, in their own units

  /// Of a broker option: nothing can alter it while the broker runs.
  bool read_only() const;
};

/// The value of a topic option: the topic's own, else a broker's dynamic, else a static one (with
/// synonyms in other units: log.retention.hours for retention.ms), else the default.
Setting resolve_topic_option(const Option& option, const Overrides& topic,
                             const BrokerLayers& layers);
/// The value of a broker option.
Setting resolve_broker_option(const Option& option, const BrokerLayers& layers);

}  // namespace longhaul::broker::config
