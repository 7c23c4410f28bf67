#include "broker/log/clean_shutdown.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

namespace longhaul::broker::log {

namespace {

using base::Errc;

constexpr uint64_t kMaxMarkerBytes = 4096;
constexpr std::string_view kEpochKey = "\"brokerEpoch\":";

int64_t parse_epoch(std::string_view text) {
  size_t at = text.find(kEpochKey);
  if (at == std::string_view::npos) return -1;
  text.remove_prefix(at + kEpochKey.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  int64_t epoch = -1;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), epoch);
  return parsed.ec == std::errc() ? epoch : -1;
}

}  // namespace

base::Result<std::optional<CleanShutdown>> read_clean_shutdown(base::FileSystem& files,
                                                               const std::string& log_dir) {
  auto content = base::read_file(files, log_dir + "/" + kCleanShutdownName, kMaxMarkerBytes);
  if (!content && content.error().code == Errc::kNotFound) return std::nullopt;
  if (!content) return tl::unexpected(content.error());
  return CleanShutdown{parse_epoch(base::as_text(*content))};
}

base::Result<void> write_clean_shutdown(base::FileSystem& files, const std::string& log_dir,
                                        const CleanShutdown& marker) {
  std::string text = fmt::format("{{\"version\":0,\"brokerEpoch\":{}}}", marker.broker_epoch);
  return base::write_file_atomic(files, log_dir + "/" + kCleanShutdownName, base::as_bytes(text));
}

base::Result<void> remove_clean_shutdown(base::FileSystem& files, const std::string& log_dir) {
  auto removed = files.remove(log_dir + "/" + kCleanShutdownName);
  if (!removed && removed.error().code != Errc::kNotFound) return removed;
  return files.sync_directory(log_dir);
}

}  // namespace longhaul::broker::log
