#include "broker/log/meta_properties.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <string_view>

namespace longhaul::broker::log {

namespace {

using base::Errc;

constexpr uint64_t kMaxPropertiesBytes = 64u << 10;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

/// Lines of "key=value"; those that begin with # or ! are comments.
std::map<std::string, std::string> parse_lines(std::string_view text) {
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#' || line[0] == '!') continue;
    size_t equals = std::min(line.find_first_of("=:"), line.size());
    std::string_view value = line.substr(std::min(equals + 1, line.size()));
    values[std::string(trim(line.substr(0, equals)))] = trim(value);
  }
  return values;
}

}  // namespace

base::Result<std::optional<MetaProperties>> read_meta_properties(base::FileSystem& files,
                                                                 const std::string& log_dir) {
  std::string path = log_dir + "/" + kMetaPropertiesName;
  auto content = base::read_file(files, path, kMaxPropertiesBytes);
  if (!content && content.error().code == Errc::kNotFound) return std::nullopt;
  if (!content) return tl::unexpected(content.error());
  auto values = parse_lines(base::as_text(*content));

  if (values["version"] != "1") {
    return base::fail(Errc::kUnsupported, fmt::format("{}: version is \"{}\", only 1 is taken",
                                                      path, values["version"]));
  }
  MetaProperties properties;
  properties.cluster_id = values["cluster.id"];
  if (const std::string& text = values["node.id"]; !text.empty()) {
    int32_t id = -1;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || id < 0) {
      return base::fail(Errc::kCorrupt, fmt::format("{}: node.id is \"{}\"", path, text));
    }
    properties.node_id = id;
  }
  if (const std::string& text = values["directory.id"]; !text.empty()) {
    auto id = base::Uuid::parse(text);
    if (!id) return base::fail_in(path + ": directory.id", id.error());
    properties.directory_id = *id;
  }
  return properties;
}

base::Result<void> write_meta_properties(base::FileSystem& files, const std::string& log_dir,
                                         const MetaProperties& properties) {
  std::string text = fmt::format("#\ncluster.id={}\n", properties.cluster_id);
  if (properties.directory_id) {
    text += fmt::format("directory.id={}\n", properties.directory_id->to_string());
  }
  if (properties.node_id) text += fmt::format("node.id={}\n", *properties.node_id);
  text += "version=1\n";
  return base::write_file_atomic(files, log_dir + "/" + kMetaPropertiesName, base::as_bytes(text));
}

}  // namespace longhaul::broker::log
