// The text of an option's value: checked against its row, then read as what it means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/config/option.h"

namespace longhaul::broker::config {

/// Checks `text` against the option's type and its `valid` notation as Kafka 4.3 does, and returns
/// it in normal form: white space around it and around list items gone (not of a password),
/// booleans in small letters, repeated list items dropped. kInvalidArgument says which option, what
/// it was given (not for a password) and what it takes.
base::Result<std::string> check_value(const Option& option, std::string_view text);

// Reading values in normal form; anything else ends the process.
bool value_as_boolean(std::string_view text);
int64_t value_as_integer(std::string_view text);  // int, short, long
double value_as_double(std::string_view text);
/// "" is no items.
std::vector<std::string> value_as_list(std::string_view text);

std::string join_list(const std::vector<std::string>& items);
std::string_view trim(std::string_view text);

}  // namespace longhaul::broker::config
