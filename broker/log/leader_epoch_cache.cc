#include "broker/log/leader_epoch_cache.h"

#include <algorithm>

#include "broker/log/checkpoint_file.h"

namespace longhaul::broker::log {

namespace {

bool ascends(const EpochEntry& a, const EpochEntry& b) {
  return a.epoch < b.epoch && a.start_offset < b.start_offset;
}

}  // namespace

void LeaderEpochCache::assign(int32_t epoch, int64_t start_offset) {
  std::lock_guard lock(mutex_);
  assign_locked(epoch, start_offset);
}

void LeaderEpochCache::assign_locked(int32_t epoch, int64_t start_offset) {
  if (epoch < 0) return;
  EpochEntry entry{epoch, start_offset};
  while (!entries_.empty() && !ascends(entries_.back(), entry)) {
    if (entries_.back().epoch == epoch && entries_.back().start_offset <= start_offset) return;
    entries_.pop_back();
    dirty_ = true;
  }
  entries_.push_back(entry);
  dirty_ = true;
}

void LeaderEpochCache::confirm(int32_t epoch, int64_t offset) {
  std::lock_guard lock(mutex_);
  auto after = std::find_if(entries_.begin(), entries_.end(),
                            [&](const auto& entry) { return entry.start_offset > offset; });
  if (after != entries_.begin() && (after - 1)->epoch == epoch) return;
  assign_locked(epoch, offset);
}

void LeaderEpochCache::truncate_from_end(int64_t end_offset) {
  std::lock_guard lock(mutex_);
  while (!entries_.empty() && entries_.back().start_offset >= end_offset) {
    entries_.pop_back();
    dirty_ = true;
  }
}

void LeaderEpochCache::truncate_from_start(int64_t start_offset) {
  std::lock_guard lock(mutex_);
  auto after = std::find_if(entries_.begin(), entries_.end(),
                            [&](const auto& entry) { return entry.start_offset > start_offset; });
  if (after == entries_.begin() || after - 1 == entries_.begin()) return;
  entries_.erase(entries_.begin(), after - 1);
  dirty_ = true;
}

void LeaderEpochCache::clear() {
  std::lock_guard lock(mutex_);
  dirty_ = dirty_ || !entries_.empty();
  entries_.clear();
}

std::optional<int32_t> LeaderEpochCache::latest() const {
  std::lock_guard lock(mutex_);
  if (entries_.empty()) return std::nullopt;
  return entries_.back().epoch;
}

std::optional<int32_t> LeaderEpochCache::epoch_of(int64_t offset) const {
  std::lock_guard lock(mutex_);
  auto after = std::find_if(entries_.begin(), entries_.end(),
                            [&](const auto& entry) { return entry.start_offset > offset; });
  if (after == entries_.begin()) return std::nullopt;
  return (after - 1)->epoch;
}

EpochEnd LeaderEpochCache::end_offset(int32_t epoch, int64_t log_end_offset) const {
  std::lock_guard lock(mutex_);
  if (epoch < 0 || entries_.empty()) return {};
  if (entries_.back().epoch == epoch) return {epoch, log_end_offset};
  auto higher = std::find_if(entries_.begin(), entries_.end(),
                             [&](const auto& entry) { return entry.epoch > epoch; });
  if (higher == entries_.end()) return {};
  if (higher == entries_.begin()) return {epoch, higher->start_offset};
  return {(higher - 1)->epoch, higher->start_offset};
}

std::vector<EpochEntry> LeaderEpochCache::entries() const {
  std::lock_guard lock(mutex_);
  return entries_;
}

base::Result<void> LeaderEpochCache::load(base::FileSystem& files, const std::string& path) {
  LH_ASSIGN(auto lines, read_epoch_checkpoint(files, path));
  std::vector<EpochEntry> entries;
  for (const auto& [epoch, offset] : lines) {
    EpochEntry entry{epoch, offset};
    if (!entries.empty() && !ascends(entries.back(), entry)) {
      return base::fail(base::Errc::kCorrupt, path + ": epochs and offsets do not ascend");
    }
    entries.push_back(entry);
  }
  std::lock_guard lock(mutex_);
  entries_ = std::move(entries);
  entries_.shrink_to_fit();
  dirty_ = false;
  return {};
}

base::Result<void> LeaderEpochCache::save(base::FileSystem& files, const std::string& path) {
  EpochLines lines;
  {
    std::lock_guard lock(mutex_);
    if (!dirty_) return {};
    for (const auto& entry : entries_) lines.emplace_back(entry.epoch, entry.start_offset);
    dirty_ = false;  // what changes from here on is for the next time
  }
  auto written = write_epoch_checkpoint(files, path, lines);
  if (!written) {
    std::lock_guard lock(mutex_);
    dirty_ = true;
  }
  return written;
}

}  // namespace longhaul::broker::log
