#include "broker/log/partition_metadata.h"

#include <fmt/format.h>

namespace longhaul::broker::log {

namespace {

using base::Errc;

constexpr uint64_t kMaxMetadataBytes = 4096;
constexpr std::string_view kVersionKey = "version: ";
constexpr std::string_view kTopicKey = "topic_id: ";

/// The value of the line that begins with `key`.
std::optional<std::string> value_of(std::string_view text, std::string_view key) {
  size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(at + key.size());
  return std::string(rest.substr(0, rest.find_first_of("\r\n")));
}

}  // namespace

base::Result<std::optional<base::Uuid>> read_partition_metadata(const LogDirectory& directory) {
  std::string path = directory.file(kPartitionMetadataName);
  auto content = base::read_file(directory.files(), path, kMaxMetadataBytes);
  if (!content && content.error().code == Errc::kNotFound) return std::nullopt;
  if (!content) return tl::unexpected(content.error());
  std::string_view text = base::as_text(*content);
  auto version = value_of(text, kVersionKey);
  auto topic = value_of(text, kTopicKey);
  if (version && !version->empty() && *version != "0") {
    return base::fail(Errc::kUnsupported, fmt::format("{}: version {}, not 0", path, *version));
  }
  auto id = topic ? base::Uuid::parse(*topic) : base::fail(Errc::kCorrupt, "");
  if (!version || !id) return base::fail(Errc::kCorrupt, path + ": there is no topic ID in it");
  return *id;
}

base::Result<void> write_partition_metadata(LogDirectory& directory, const base::Uuid& topic_id) {
  std::string path = directory.file(kPartitionMetadataName);
  LH_ASSIGN(auto file, directory.files().open(path, base::OpenMode::kCreate));
  LH_TRY(file->truncate(0));
  directory.mark_changed();
  std::string text = fmt::format("{}0\n{}{}", kVersionKey, kTopicKey, topic_id.to_string());
  return file->write_at(0, base::as_bytes(text));
}

base::Result<void> sync_partition_metadata(const LogDirectory& directory) {
  std::string path = directory.file(kPartitionMetadataName);
  LH_ASSIGN(auto file, directory.files().open(path, base::OpenMode::kReadWrite));
  return file->sync();
}

}  // namespace longhaul::broker::log
