// Checks of option names and values against the broker's own tables.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "operator/api/field_reader.h"

namespace longhaul::op::api {

/// `config` of a KafkaCluster: unknown options of ours, values that do not parse, and options that
/// the operator sets itself. Paths are `path[NAME]`.
FieldErrors check_broker_config(const std::map<std::string, std::string>& config,
                                const std::string& path);
/// `config` of a KafkaTopic: unknown options and values that do not parse.
FieldErrors check_topic_config(const std::map<std::string, std::string>& config,
                               const std::string& path);

/// The whole number that an option is set to, if it is set to one.
std::optional<int64_t> number_option(const std::map<std::string, std::string>& config,
                                     const std::string& name);

/// A broker option that takes effect at once when it is altered for all brokers together (KIP-226).
bool changes_while_running(const std::string& name);
/// same_topic_value for broker options.
bool same_broker_value(const std::string& name, const std::string& a, const std::string& b);
/// True if two texts of a topic option mean the same value, such as "Delete, compact" and
/// "delete,compact".
bool same_topic_value(const std::string& name, const std::string& a, const std::string& b);

}  // namespace longhaul::op::api
