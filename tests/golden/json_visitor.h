// A message in Kafka's JSON form.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "protocol/reflection/message_type.h"

namespace longhaul::golden {

/// Field names with a small first letter, bytes in base64, UUIDs in Kafka's text form.
nlohmann::json to_json(const protocol::AnyMessage& message, int16_t version);

}  // namespace longhaul::golden
