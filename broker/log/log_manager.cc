#include "broker/log/log_manager.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/log/clean_shutdown.h"
#include "broker/log/log_manager_directory.h"

namespace longhaul::broker::log {

using base::Errc;

namespace {

int64_t find_offset(const OffsetCheckpoint& checkpoint, const TopicPartition& id) {
  auto at = checkpoint.find({id.topic, id.partition});
  return at == checkpoint.end() ? 0 : std::max<int64_t>(at->second, 0);
}

}  // namespace

std::string suffixed_name(const TopicPartition& id, base::Random& random, std::string_view suffix) {
  std::string end = "." + base::to_hex(base::Uuid::random(random).bytes) + std::string(suffix);
  std::string name = id.to_string();
  name.resize(std::min(name.size(), kMaxNameBytes - end.size()));
  return name + end;
}

base::Error explain_shortage(base::Error why) {
  why.message += why.code == Errc::kNoSpace
                     ? "; make room on that disk (or raise the quota), and start again"
                     : "; raise the limit of open files (or give it more memory), and start again";
  return why;
}

LogManager::LogManager(Params params) : params_(std::move(params)) {}
LogManager::~LogManager() = default;

base::Result<std::unique_ptr<LogManager>> LogManager::open(Params params) {
  std::unique_ptr<LogManager> manager(new LogManager(std::move(params)));
  base::Error last{Errc::kInvalidArgument, "log.dirs is empty"};
  bool any = false;
  for (const auto& path : manager->params_.directories) {
    auto directory = std::make_unique<Directory>();
    directory->path = path;
    manager->directories_.push_back(std::move(directory));
    auto opened = manager->open_directory(*manager->directories_.back());
    any = any || opened;
    if (opened) continue;
    // Another process at work on these logs is no failure of a disk.
    if (opened.error().code == Errc::kConflict) return tl::unexpected(opened.error());
    if (is_shortage(opened.error())) return tl::unexpected(explain_shortage(opened.error()));
    last = opened.error();
    manager->fail_directory(path, last);
  }
  if (!any) return tl::unexpected(last);
  manager->previous_broker_epoch_ = manager->common_epoch();
  return manager;
}

int64_t LogManager::common_epoch() const {
  int64_t epoch = directories_.front()->closed_in;
  bool same = std::all_of(directories_.begin(), directories_.end(),
                          [&](const auto& each) { return each->closed_in == epoch; });
  return same ? epoch : -1;
}

base::Result<void> LogManager::open_directory(Directory& directory) {
  base::FileSystem& files = *params_.files;
  LH_ASSIGN(directory.lock, files.lock(directory.file(kLockName)));
  LH_ASSIGN(auto properties, read_meta_properties(files, directory.path));
  if (properties) directory.id = properties->directory_id.value_or(base::Uuid{});
  LH_ASSIGN(auto marker, read_clean_shutdown(files, directory.path));
  directory.clean = marker.has_value();
  if (marker) directory.closed_in = marker->broker_epoch;
  // It is written before logs are there: where it is missing, it was lost.
  auto recovery_points = read_offset_checkpoint(files, directory.file(kRecoveryPointsName));
  bool is_torn = !recovery_points && recovery_points.error().code == Errc::kCorrupt;
  directory.recovery_points_lost = is_torn || !files.exists(directory.file(kRecoveryPointsName));
  LH_ASSIGN(directory.recovery_points, read_checkpoint(directory, kRecoveryPointsName));
  LH_ASSIGN(directory.log_starts, read_checkpoint(directory, kLogStartsName));
  LH_ASSIGN(directory.high_watermarks, read_checkpoint(directory, kHighWatermarksName));
  LH_ASSIGN(directory.first_dirty, read_checkpoint(directory, kFirstDirtyName));
  return {};
}

/// One that makes no sense counts as absent.
base::Result<OffsetCheckpoint> LogManager::read_checkpoint(const Directory& directory,
                                                           const char* name) {
  auto read = read_offset_checkpoint(*params_.files, directory.file(name));
  if (read || read.error().code != Errc::kCorrupt) return read;
  params_.logger.warn("{}; going on without it", read.error().message);
  return OffsetCheckpoint{};
}

Log::Params LogManager::log_params(Directory& directory, const TopicPartition& id) {
  Log::Params params{params_.files, params_.clock, params_.logger};
  params.path = directory.path + "/" + id.to_string();
  params.id = id;
  params.config = params_.config_of(id.topic);
  params.clean = directory.clean;
  params.recovery_point = find_offset(directory.recovery_points, id);
  params.recovery_point_lost = directory.recovery_points_lost;
  params.log_start_offset = find_offset(directory.log_starts, id);
  params.high_watermark = find_offset(directory.high_watermarks, id);
  params.first_dirty_offset = find_offset(directory.first_dirty, id);
  params.producer_expiration_ms = params_.producer_expiration_ms;
  params.cancelled = params_.cancelled;
  params.write_checkpoints = [this, &directory] { return write_checkpoints(directory); };
  params.on_failure = [this, &directory](const base::Error& why) {
    fail_directory(directory.path, why);
  };
  return params;
}

bool LogManager::insert(const std::shared_ptr<Log>& log, Directory& directory) {
  std::lock_guard lock(mutex_);
  auto& partitions = topics_[log->id().topic];
  if (!partitions.try_emplace(log->id().partition, Entry{log, &directory}).second) return false;
  ++directory.log_count;
  return true;
}

std::shared_ptr<Log> LogManager::get(std::string_view topic, int32_t partition) const {
  std::lock_guard lock(mutex_);
  auto partitions = topics_.find(topic);
  if (partitions == topics_.end()) return nullptr;
  auto at = partitions->second.find(partition);
  if (at == partitions->second.end() || !at->second.directory->online) return nullptr;
  return at->second.log;
}

std::string LogManager::directory_of(std::string_view topic, int32_t partition) const {
  std::lock_guard lock(mutex_);
  auto partitions = topics_.find(topic);
  if (partitions == topics_.end()) return {};
  auto at = partitions->second.find(partition);
  return at == partitions->second.end() ? std::string() : at->second.directory->path;
}

LogManager::Directory* LogManager::choose_directory(const TopicPartition& id) {
  Directory* best = nullptr;
  {
    std::lock_guard lock(mutex_);
    auto preferred = preferred_.extract(id);
    if (preferred) best = find_directory(preferred.mapped());
  }
  if (best != nullptr && best->online) return best;
  best = nullptr;
  for (const auto& directory : directories_) {
    if (!directory->online) continue;
    if (best == nullptr || directory->log_count < best->log_count) best = directory.get();
  }
  return best;
}

base::Result<std::shared_ptr<Log>> LogManager::get_or_create(const TopicPartition& id,
                                                             const base::Uuid& topic_id,
                                                             Presence presence) {
  std::lock_guard creating(create_mutex_);
  if (auto log = get(id.topic, id.partition)) {
    if (!topic_id.is_zero()) LH_TRY(log->set_topic_id(topic_id));
    return log;
  }
  if (std::string offline = directory_of(id.topic, id.partition); !offline.empty()) {
    return base::fail(Errc::kIo,
                      fmt::format("{} lies in {}, which is offline", id.to_string(), offline));
  }
  bool all_online = std::all_of(directories_.begin(), directories_.end(),
                                [](const auto& directory) { return directory->online.load(); });
  if (presence == Presence::kUnknown && !all_online) {
    return base::fail(Errc::kIo, id.to_string() + " may lie in a log directory that is offline");
  }
  return create(id, topic_id);
}

base::Result<void> LogManager::settle_deletion(const TopicPartition& id) {
  for (const auto& directory : directories_) {
    bool is_stale = false;
    {
      std::lock_guard lock(mutex_);
      is_stale = directory->online && directory->stale.contains({id.topic, id.partition});
    }
    if (!is_stale) continue;
    LH_TRY(check(*directory, params_.files->sync_directory(directory->path)));
    LH_TRY(write_checkpoints(*directory));
  }
  return {};
}

base::Result<std::shared_ptr<Log>> LogManager::create(const TopicPartition& id,
                                                      const base::Uuid& topic_id) {
  Directory* directory = choose_directory(id);
  if (directory == nullptr) {
    return base::fail(Errc::kIo, "no log directory is online");
  }
  LH_TRY(discard_future(id));  // of one that is no more
  LH_TRY(settle_deletion(id));
  Log::Params params = log_params(*directory, id);
  params.topic_id = topic_id;
  params.clean = true;
  params.recovery_point = params.log_start_offset = params.high_watermark = 0;
  params.first_dirty_offset = 0;
  auto log = Log::open(std::move(params));
  if (!log) {
    if (!is_shortage(log.error())) fail_directory(directory->path, log.error());
    return log;
  }
  insert(*log, *directory);
  return log;
}

base::Result<void> LogManager::remove(const TopicPartition& id) {
  std::lock_guard creating(create_mutex_);
  auto no_future = discard_future(id);
  LH_ASSIGN(Entry entry, take_out(id));
  auto away = put_away(entry, kDeleteSuffix);
  if (!away) {
    put_back(entry, away.error());
    return tl::unexpected(std::move(away).error());
  }
  doom(entry, std::move(*away));
  return no_future;
}

void LogManager::doom(const Entry& entry, std::string away) {
  std::lock_guard lock(mutex_);
  int64_t delay_ms = entry.log->config()->file_delete_delay_ms;
  doomed_.push_back({std::move(away), params_.clock->wall_ms() + delay_ms});
}

base::Result<std::string> LogManager::set_aside(const TopicPartition& id) {
  std::lock_guard creating(create_mutex_);
  LH_TRY(discard_future(id));
  LH_ASSIGN(Entry entry, take_out(id));
  auto away = put_away(entry, kStraySuffix);
  if (!away) put_back(entry, away.error());
  return away;
}

base::Result<LogManager::Entry> LogManager::take_out(const TopicPartition& id) {
  std::lock_guard lock(mutex_);
  auto partitions = topics_.find(id.topic);
  if (partitions == topics_.end() || !partitions->second.contains(id.partition)) {
    return base::fail(Errc::kNotFound, id.to_string() + ": no such log");
  }
  Entry entry = partitions->second.extract(id.partition).mapped();
  if (partitions->second.empty()) topics_.erase(partitions);
  --entry.directory->log_count;
  return entry;
}

base::Result<std::string> LogManager::put_away(const Entry& entry, std::string_view kind) {
  const auto& [log, directory] = entry;
  {
    std::lock_guard lock(mutex_);
    directory->stale.insert({log->id().topic, log->id().partition});
  }
  std::string away = directory->path + "/" + suffixed_name(log->id(), *params_.random, kind);
  if (auto renamed = log->abandon(away); !renamed) {
    (void)check(*directory, renamed);
    return tl::unexpected(std::move(renamed).error());
  }
  return away;
}

void LogManager::put_back(const Entry& entry, const base::Error& why) {
  if (is_shortage(why)) insert(entry.log, *entry.directory);
}

std::vector<std::shared_ptr<Log>> LogManager::open_logs(const Directory* directory) const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Log>> logs;
  auto add = [&](const Entry& entry) {
    bool wanted = directory == nullptr || entry.directory == directory;
    if (wanted && entry.directory->online) logs.push_back(entry.log);
  };
  for (const auto& [topic, partitions] : topics_) {
    for (const auto& [partition, entry] : partitions) add(entry);
  }
  for (const auto& [id, entry] : futures_) add(entry);
  for (const Entry& entry : twins_) add(entry);
  return logs;
}

std::vector<std::shared_ptr<Log>> LogManager::logs() const {
  std::vector<std::shared_ptr<Log>> logs;
  for (auto& each : held()) {
    if (!each.is_future) logs.push_back(std::move(each.log));
  }
  return logs;
}

std::vector<HeldLog> LogManager::held() const {
  std::lock_guard lock(mutex_);
  std::vector<HeldLog> all;
  for (const auto& [topic, partitions] : topics_) {
    for (const auto& [partition, entry] : partitions) {
      const Directory& directory = *entry.directory;
      if (directory.online) all.push_back({entry.log, directory.path, directory.id, false});
      auto future = futures_.find({topic, partition});
      if (future == futures_.end() || !future->second.directory->online) continue;
      const Directory& other = *future->second.directory;
      all.push_back({future->second.log, other.path, other.id, true});
    }
  }
  return all;
}

void LogManager::set_config(std::string_view topic,
                            const std::shared_ptr<const LogConfig>& config) {
  std::lock_guard lock(mutex_);
  auto partitions = topics_.find(topic);
  if (partitions == topics_.end()) return;
  for (const auto& [partition, entry] : partitions->second) entry.log->set_config(config);
}

void LogManager::fail_directory(const std::string& path, const base::Error& why) {
  {
    std::lock_guard lock(mutex_);
    auto at = std::find_if(directories_.begin(), directories_.end(),
                           [&](const auto& directory) { return directory->path == path; });
    if (at == directories_.end() || !(*at)->online.exchange(false)) return;
    (*at)->failure = why.message;
    for (const auto& [topic, partitions] : topics_) {
      for (const auto& [partition, entry] : partitions) {
        if (entry.directory == at->get()) entry.log->take_offline();
      }
    }
    for (const auto& [id, entry] : futures_) {
      if (entry.directory == at->get()) entry.log->take_offline();
    }
  }
  params_.logger.error("log directory {} is offline: {}", path, why.message);
  if (params_.on_directory_failure) params_.on_directory_failure(path, why);
}

std::vector<base::Uuid> LogManager::directory_ids(bool online) const {
  std::vector<base::Uuid> ids;
  std::lock_guard lock(mutex_);
  for (const auto& directory : directories_) {
    if (directory->failure.empty() == online) ids.push_back(directory->id);
  }
  return ids;
}

std::vector<LogDirStatus> LogManager::directories() const {
  std::vector<LogDirStatus> all;
  {
    std::lock_guard lock(mutex_);
    for (const auto& directory : directories_) {
      all.push_back({directory->path, directory->id, directory->failure, {}});
    }
  }
  for (auto& status : all) {
    if (auto space = params_.files->space(status.path)) status.space = *space;
  }
  return all;
}

}  // namespace longhaul::broker::log
