// Columns on a terminal.
#pragma once

#include <string>
#include <vector>

namespace longhaul::cli {

/// Rows under a head of upper-case words, columns as wide as they must be; empty cells are "-".
std::string format_table(const std::vector<std::string>& head,
                         const std::vector<std::vector<std::string>>& rows,
                         const std::string& indent = "");

}  // namespace longhaul::cli
