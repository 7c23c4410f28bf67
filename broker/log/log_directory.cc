#include "broker/log/log_directory.h"

#include <fmt/format.h>

#include <charconv>

namespace longhaul::broker::log {

namespace {

constexpr size_t kOffsetDigits = 20;

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
}

}  // namespace

std::string LogDirectory::path() const {
  std::lock_guard lock(mutex_);
  return path_;
}

void LogDirectory::set_path(std::string path) {
  std::lock_guard lock(mutex_);
  path_ = std::move(path);
}

std::string LogDirectory::file(std::string_view name) const {
  std::lock_guard lock(mutex_);
  return fmt::format("{}/{}", path_, name);
}

std::string LogDirectory::segment_file(int64_t base_offset, std::string_view extension) const {
  std::lock_guard lock(mutex_);
  return fmt::format("{}/{:020}{}{}", path_, base_offset, extension, suffix_);
}

void LogDirectory::mark_changed() {
  std::lock_guard lock(mutex_);
  changed_ = true;
}

void LogDirectory::mark_old() {
  std::lock_guard lock(mutex_);
  is_new_ = false;
}

base::Result<void> LogDirectory::sync() {
  std::lock_guard syncing(sync_mutex_);
  std::string path;
  bool is_new = false;
  {
    std::lock_guard lock(mutex_);
    if (!changed_) return {};
    changed_ = false;  // what changes from here on is for the next time
    path = path_;
    is_new = is_new_;
  }
  auto synced = files_.sync_directory(path);
  if (synced && is_new) synced = files_.sync_directory(parent_of(path));
  std::lock_guard lock(mutex_);
  if (synced) {
    is_new_ = false;
  } else {
    changed_ = true;
  }
  return synced;
}

std::optional<int64_t> parse_segment_file(std::string_view name, std::string_view extension) {
  if (name.size() != kOffsetDigits + extension.size() || !name.ends_with(extension)) {
    return std::nullopt;
  }
  int64_t offset = 0;
  const char* end = name.data() + kOffsetDigits;
  auto parsed = std::from_chars(name.data(), end, offset);
  if (parsed.ec != std::errc() || parsed.ptr != end || offset < 0) return std::nullopt;
  return offset;
}

}  // namespace longhaul::broker::log
