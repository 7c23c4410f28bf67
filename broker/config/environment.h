// Values that come from the process's environment, as with Kafka's EnvVarConfigProvider (KIP-887).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace longhaul::broker::config {

/// Replaces every `${env:NAME}` in the text of a properties file. `look_up` gives a variable's
/// value; one that is not set is an error (kInvalidArgument) which names it and its line.
base::Result<std::string> expand_environment(
    std::string_view text,
    const std::function<std::optional<std::string>(const std::string& name)>& look_up);

}  // namespace longhaul::broker::config
