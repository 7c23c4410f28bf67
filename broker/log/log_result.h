// Results of operations whose errors go to Kafka's clients.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::log {

template <class T = void>
using LogResult = protocol::KafkaResult<T>;

}  // namespace longhaul::broker::log
