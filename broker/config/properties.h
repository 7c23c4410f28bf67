// Java's properties format, which server.properties and kafka-configs files are written in.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace longhaul::broker::config {

struct Property {
  std::string value;
  int line = 0;           // where it stands, from 1
  int previous_line = 0;  // of the same key given before, which this one replaced; 0 if none
};

using Properties = std::map<std::string, Property, std::less<>>;

/// Reads a file as java.util.Properties does: comments with '#' or '!', keys that end at '=', ':'
/// or white space, backslash escapes and continuation lines, the last of equal keys winning. Text
/// is UTF-8, \uXXXX included (surrogate pairs are joined). kInvalidArgument names the line.
base::Result<Properties> parse_properties(std::string_view text);

}  // namespace longhaul::broker::config
