#include "broker/log/settle_swaps.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "broker/log/batch_scanner.h"
#include "broker/log/log_directory.h"

namespace longhaul::broker::log {

using base::Errc;

namespace {

/// The base offset of "<base offset><extension><suffix>" for any extension of a segment.
std::optional<int64_t> parse_suffixed(const std::string& name, const std::string& suffix) {
  if (auto offset = parse_segment_file(name, kLogExtension + suffix)) return offset;
  for (const char* extension : kIndexExtensions) {
    if (auto offset = parse_segment_file(name, extension + suffix)) return offset;
  }
  return std::nullopt;
}

/// Where the batches of a segment end.
base::Result<int64_t> end_of(base::FileSystem& files, const std::string& path, int64_t base) {
  LH_ASSIGN(auto file, files.open(path, base::OpenMode::kRead));
  LH_ASSIGN(uint64_t size, file->size());
  BatchScanner scanner(*file, 0, size, kBatchChunk);
  int64_t end = base + 1;  // the segment that it began as is replaced, were it empty
  for (;;) {
    auto header = scanner.next();
    if (!header) return base::fail_in(path, header.error());
    if (!*header) return end;
    end = (*header)->next_offset();
  }
}

class Settling {
 public:
  Settling(base::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}

  base::Result<void> run() {
    auto listed = files_.list(path_);
    if (!listed && listed.error().code == Errc::kNotFound) return {};
    if (!listed) return tl::unexpected(listed.error());
    for (const auto& entry : *listed) names_.push_back(entry.name);
    LH_TRY(remove_undecided());
    if (swaps_.empty()) return {};
    for (const auto& [base, name] : swaps_) {
      if (name.ends_with(std::string(kLogExtension) + kSwapExtension)) LH_TRY(replace(base, name));
    }
    // The segment itself first: as long as it has the other name, what has the right one is old.
    std::stable_partition(swaps_.begin(), swaps_.end(), [](const auto& swap) {
      return swap.second.ends_with(std::string(kLogExtension) + kSwapExtension);
    });
    for (const auto& [base, name] : swaps_) {
      std::string final_name = name.substr(0, name.size() - std::string(kSwapExtension).size());
      LH_TRY(files_.rename(file(name), file(final_name)));
    }
    return files_.sync_directory(path_);
  }

 private:
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  /// As long as one of its files is ".cleaned", a replacement is not decided.
  base::Result<void> remove_undecided() {
    int64_t undecided = std::numeric_limits<int64_t>::max();
    for (const auto& name : names_) {
      if (auto base = parse_suffixed(name, kCleanedExtension)) {
        undecided = std::min(undecided, *base);
      }
    }
    // Those that were decided in part first: what decides about them goes last.
    for (const auto& name : names_) {
      auto base = parse_suffixed(name, kSwapExtension);
      if (!base) continue;
      if (*base < undecided) {
        swaps_.emplace_back(*base, name);
      } else {
        LH_TRY(files_.remove(file(name)));
      }
    }
    for (const auto& name : names_) {
      if (name.ends_with(kCleanedExtension)) LH_TRY(files_.remove(file(name)));
    }
    return {};
  }

  /// Removes what the segment takes the place of, oldest first.
  base::Result<void> replace(int64_t base, const std::string& name) {
    LH_ASSIGN(int64_t end, end_of(files_, file(name), base));
    for (const auto& old : names_) {
      auto old_base = parse_suffixed(old, "");
      if (old_base && *old_base >= base && *old_base < end) LH_TRY(files_.remove(file(old)));
    }
    return {};
  }

  base::FileSystem& files_;
  const std::string path_;
  std::vector<std::string> names_;
  std::vector<std::pair<int64_t, std::string>> swaps_;  // base offset, name
};

}  // namespace

base::Result<void> settle_swaps(base::FileSystem& files, const std::string& path) {
  return Settling(files, path).run();
}

}  // namespace longhaul::broker::log
