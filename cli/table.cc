#include "cli/table.h"

#include <algorithm>

namespace longhaul::cli {

std::string format_table(const std::vector<std::string>& head,
                         const std::vector<std::vector<std::string>>& rows,
                         const std::string& indent) {
  std::vector<std::vector<std::string>> all{head};
  all.insert(all.end(), rows.begin(), rows.end());
  std::vector<size_t> widths(head.size());
  for (auto& row : all)
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i].empty()) row[i] = "-";
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (const auto& row : all) {
    std::string line = indent;
    for (size_t i = 0; i < row.size(); ++i)
      line += row[i] + (i + 1 < row.size() ? std::string(widths[i] - row[i].size() + 3, ' ') : "");
    out += line + "\n";
  }
  return out;
}

}  // namespace longhaul::cli
