// Kafka's error codes, their names, and whether a client may try again.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "protocol/error_code_values.h"  // enum class ErrorCode, from schema/errors.yaml

namespace longhaul::protocol {

struct ErrorCodeInfo {
  ErrorCode code;
  std::string_view name;  ///< "UNKNOWN_TOPIC_OR_PARTITION"
  bool retriable;
};

/// All of them in the order of their codes.
std::span<const ErrorCodeInfo> error_codes();

/// "UNKNOWN_TOPIC_OR_PARTITION", or "ERROR_1234" for a code that this version does not know.
std::string name(ErrorCode code);
/// Whether Kafka's clients try again on this code by themselves. Unknown codes: no.
bool is_retriable(ErrorCode code);

}  // namespace longhaul::protocol
