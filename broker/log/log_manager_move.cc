// A log on its way to another directory of its broker (KIP-113); docs/formats/log-directory.md.
#include <algorithm>

#include "base/assert.h"
#include "broker/log/log_copy.h"
#include "broker/log/log_manager_directory.h"

namespace longhaul::broker::log {

using base::Errc;
using protocol::ErrorCode;

namespace {

/// Of logs that are not there: nobody has a reason to name more.
constexpr size_t kMostPreferences = 100'000;

}  // namespace

LogManager::Directory* LogManager::find_directory(const std::string& path) const {
  auto at = std::find_if(directories_.begin(), directories_.end(),
                         [&](const auto& directory) { return directory->path == path; });
  return at == directories_.end() ? nullptr : at->get();
}

ErrorCode LogManager::check_move(const TopicPartition& id, const std::string& path) const {
  constexpr size_t kUniqueBytes = 33;  // a dot, and 32 digits
  size_t name = id.to_string().size() + kUniqueBytes + std::string_view(kFutureSuffix).size();
  if (name > kMaxNameBytes) return ErrorCode::kInvalidTopicException;
  const Directory* directory = find_directory(path);
  if (directory == nullptr) return ErrorCode::kLogDirNotFound;
  return directory->online ? ErrorCode::kNone : ErrorCode::kKafkaStorageError;
}

void LogManager::prefer(const TopicPartition& id, const std::string& directory) {
  std::lock_guard lock(mutex_);
  if (preferred_.size() < kMostPreferences || preferred_.contains(id)) preferred_[id] = directory;
}

std::optional<HeldLog> LogManager::future(const TopicPartition& id) const {
  std::lock_guard lock(mutex_);
  auto found = futures_.find(id);
  if (found == futures_.end()) return std::nullopt;
  const Directory& directory = *found->second.directory;
  return HeldLog{found->second.log, directory.path, directory.id, true};
}

base::Result<HeldLog> LogManager::create_future(const TopicPartition& id,
                                                const std::string& directory) {
  std::lock_guard creating(create_mutex_);
  auto current = get(id.topic, id.partition);
  Directory* target = find_directory(directory);
  if (!current || target == nullptr) {
    return base::fail(Errc::kNotFound, id.to_string() + ": no such log, or no such directory");
  }
  LH_TRY(discard_future(id));
  LH_TRY(settle_deletion(id));
  LH_ASSIGN(auto log, open_future(*target, *current));
  std::lock_guard lock(mutex_);
  futures_[id] = {log, target};
  ++target->log_count;
  return HeldLog{log, target->path, target->id, true};
}

base::Result<std::shared_ptr<Log>> LogManager::open_future(Directory& directory, const Log& log) {
  Log::Params params = log_params(directory, log.id());
  params.path = directory.file(suffixed_name(log.id(), *params_.random, kFutureSuffix).c_str());
  params.topic_id = log.topic_id();
  params.config = config_of_copy(*log.config());
  params.clean = true;
  params.recovery_point = params.high_watermark = params.first_dirty_offset = 0;
  params.log_start_offset = log.log_start_offset();
  auto opened = Log::open(std::move(params));
  if (!opened && !is_shortage(opened.error())) fail_directory(directory.path, opened.error());
  return opened;
}

base::Result<void> LogManager::remove_future(const TopicPartition& id) {
  std::lock_guard creating(create_mutex_);
  return discard_future(id);
}

base::Result<void> LogManager::discard_future(const TopicPartition& id) {
  Entry entry;
  {
    std::lock_guard lock(mutex_);
    auto found = futures_.extract(id);
    if (!found) return {};
    entry = std::move(found.mapped());
    --entry.directory->log_count;
  }
  if (!entry.directory->online) return {};  // it is found again when its disk is
  auto away = put_away(entry, kDeleteSuffix);
  if (!away && is_shortage(away.error())) {
    std::lock_guard lock(mutex_);
    ++entry.directory->log_count;
    futures_[id] = entry;
  }
  if (!away) return tl::unexpected(std::move(away).error());
  doom(entry, std::move(*away));
  return {};
}

// Each name is durable before the next one changes: after a crash there is the log under its name,
// or the copy, or both, which are the same then. Until both names have changed nobody writes.
base::Result<void> LogManager::promote_future(const TopicPartition& id,
                                              const std::unique_lock<std::mutex>& still) {
  LH_ASSERT(still.owns_lock(), "logs are promoted while they are held still");
  Entry future;
  Entry current;
  {
    std::lock_guard lock(mutex_);
    auto topic = topics_.find(id.topic);
    bool there =
        futures_.contains(id) && topic != topics_.end() && topic->second.contains(id.partition);
    if (!there) return base::fail(Errc::kNotFound, id.to_string() + " is not on its way");
    future = futures_.at(id);
    current = topic->second.at(id.partition);
  }
  base::FileSystem& files = *params_.files;
  Directory& target = *future.directory;
  std::string path = target.file(id.to_string().c_str());
  auto named = future.log->rename_directory(path);
  if (!named && !files.exists(path)) return check(target, named);
  if (named) named = files.sync_directory(target.path);
  {
    // Where that failed nobody knows which name is on the disk: what it was stays, unused.
    std::lock_guard lock(mutex_);
    topics_.find(id.topic)->second.at(id.partition) = future;
    futures_.erase(id);
    --current.directory->log_count;
    if (!named) twins_.push_back(current);
  }
  if (!named) {
    fail_directory(target.path, named.error());
    return {};
  }
  if (auto away = put_away(current, kDeleteSuffix)) {
    doom(current, std::move(*away));
    Directory& source = *current.directory;
    (void)check(source, files.sync_directory(source.path));
  }
  return {};
}

}  // namespace longhaul::broker::log
