// Results of operations whose errors go to Kafka's clients.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "protocol/kafka_error.h"

namespace longhaul::broker::log {

template <class T = void>
using LogResult = protocol::KafkaResult<T>;

/// Room, memory or descriptors are short: that may pass, and says nothing against the disk.
inline bool is_shortage(const base::Error& error) {
  return error.code == base::Errc::kNoSpace || error.code == base::Errc::kUnavailable;
}

/// What is stored makes no sense: of one log, or one batch.
inline bool is_rot(const base::Error& error) {
  return error.code == base::Errc::kCorrupt || error.code == base::Errc::kUnsupported;
}

}  // namespace longhaul::broker::log
