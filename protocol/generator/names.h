// How names of the schema become names in C++.
#pragma once

#include <string>
#include <string_view>

namespace longhaul::protocol::generator {

/// "MaxWaitMs" -> "max_wait_ms", "KRaftVersion" -> "kraft_version".
std::string snake_case(std::string_view name);

/// "MaxWaitMs" -> "maxWaitMs": the name that Kafka's own JSON form gives a field.
std::string lower_first(std::string_view name);

/// "UNKNOWN_TOPIC_ID" -> "UnknownTopicId".
std::string pascal_case(std::string_view upper_name);

}  // namespace longhaul::protocol::generator
