// Changing options while the broker runs: IncrementalAlterConfigs and CreateTopics.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/config/settings.h"

namespace longhaul::broker::config {

/// IncrementalAlterConfigs' `ConfigOperation`.
enum class Operation : int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

struct Alteration {
  std::string name;
  Operation operation = Operation::kSet;
  std::optional<std::string> value;  // not for kDelete
};

// All errors here are kInvalidArgument and belong to the client as INVALID_CONFIG.

/// Applies one change to a topic's own options. Unknown names are refused with the nearest known.
base::Result<void> alter_topic(Overrides& topic, const Alteration& change);

/// Applies one change to a broker's (or, with `cluster_default`, every broker's) dynamic options.
/// Refused: options that only the file may set, those that have no effect here, and for all
/// brokers together those that are each broker's own.
base::Result<void> alter_broker(Overrides& broker, const Alteration& change, bool cluster_default);

/// Checks what only several options together can get wrong, after all changes to a topic.
base::Result<void> check_topic(const Overrides& topic, const BrokerLayers& layers);

/// The same for the options of a broker that may change while it runs, and what Kafka checks of
/// those beyond their ranges (KafkaConfig.validateValues).
base::Result<void> check_broker(const BrokerLayers& layers);

}  // namespace longhaul::broker::config
