#include "broker/log/checkpoint_file.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

namespace longhaul::broker::log {

namespace {

using base::Errc;

constexpr std::string_view kVersion = "0";
constexpr uint64_t kMaxCheckpointBytes = 256u << 20;

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Cuts the next line off `text`.
std::string_view take_line(std::string_view& text) {
  size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Cuts the last word off `line`; empty if there is no space in it.
std::string_view take_last_word(std::string_view& line) {
  size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return {};
  std::string_view word = line.substr(space + 1);
  line = line.substr(0, space);
  return word;
}

/// Checks version and count, and gives each entry's line to `take`, which says if it is right.
template <class Take>
base::Result<void> read_lines(base::FileSystem& files, const std::string& path, const Take& take) {
  auto content = base::read_file(files, path, kMaxCheckpointBytes);
  if (!content && content.error().code == Errc::kNotFound) return {};
  if (!content) return tl::unexpected(content.error());
  std::string_view text = base::as_text(*content);
  if (take_line(text) != kVersion) {
    return base::fail(Errc::kCorrupt, path + ": line 1 is not version 0");
  }
  auto count = number<uint32_t>(take_line(text));
  if (!count) return base::fail(Errc::kCorrupt, path + ": line 2 is not a count");
  for (uint32_t i = 0; i < *count; ++i) {
    if (text.empty() || !take(take_line(text))) {
      return base::fail(Errc::kCorrupt, fmt::format("{}: line {} is not an entry", path, i + 3));
    }
  }
  if (!text.empty()) {
    return base::fail(Errc::kCorrupt, fmt::format("{}: more than {} entries", path, *count));
  }
  return {};
}

}  // namespace

base::Result<OffsetCheckpoint> read_offset_checkpoint(base::FileSystem& files,
                                                      const std::string& path) {
  OffsetCheckpoint checkpoint;
  LH_TRY(read_lines(files, path, [&](std::string_view line) {
    auto offset = number<int64_t>(take_last_word(line));
    auto partition = number<int32_t>(take_last_word(line));
    if (!offset || !partition || line.empty()) return false;
    checkpoint[{std::string(line), *partition}] = *offset;
    return true;
  }));
  return checkpoint;
}

base::Result<void> write_offset_checkpoint(base::FileSystem& files, const std::string& path,
                                           const OffsetCheckpoint& checkpoint) {
  std::string text = fmt::format("{}\n{}\n", kVersion, checkpoint.size());
  for (const auto& [id, offset] : checkpoint) {
    fmt::format_to(std::back_inserter(text), "{} {} {}\n", id.first, id.second, offset);
  }
  // Written every few seconds, of a node that is idle too: a sync is dear and a read is not.
  auto there = base::read_file(files, path, kMaxCheckpointBytes);
  if (there && base::as_text(*there) == text) return {};
  return base::write_file_atomic(files, path, base::as_bytes(text));
}

base::Result<EpochLines> read_epoch_checkpoint(base::FileSystem& files, const std::string& path) {
  EpochLines lines;
  LH_TRY(read_lines(files, path, [&](std::string_view line) {
    auto offset = number<int64_t>(take_last_word(line));
    auto epoch = number<int32_t>(line);
    if (!offset || !epoch) return false;
    lines.emplace_back(*epoch, *offset);
    return true;
  }));
  return lines;
}

base::Result<void> write_epoch_checkpoint(base::FileSystem& files, const std::string& path,
                                          const EpochLines& lines) {
  std::string text = fmt::format("{}\n{}\n", kVersion, lines.size());
  for (const auto& [epoch, offset] : lines) {
    fmt::format_to(std::back_inserter(text), "{} {}\n", epoch, offset);
  }
  return base::write_file_atomic(files, path, base::as_bytes(text));
}

}  // namespace longhaul::broker::log
