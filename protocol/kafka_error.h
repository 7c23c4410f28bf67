// Errors that go back to a Kafka client: a code of the protocol and words for a person.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "protocol/error_code.h"

namespace longhaul::protocol {

struct KafkaError {
  ErrorCode code = ErrorCode::kUnknownServerError;
  std::string message;  ///< may be empty: then the code's own meaning says it all
};

/// A value, or what to answer the client instead. For what concerns only this broker (a disk, a
/// socket) there is `base::Result`.
template <class T = void>
using KafkaResult = tl::expected<T, KafkaError>;

inline tl::unexpected<KafkaError> kafka_fail(ErrorCode code, std::string message = {}) {
  return tl::unexpected<KafkaError>(KafkaError{code, std::move(message)});
}

}  // namespace longhaul::protocol
