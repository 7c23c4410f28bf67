// Opening all logs at the start.
#include <charconv>

#include "broker/log/clean_shutdown.h"
#include "broker/log/log_copy.h"
#include "broker/log/log_manager_directory.h"

namespace longhaul::broker::log {

namespace {

/// Kept by the raft room, which opens it itself.
constexpr std::string_view kMetadataTopic = "__cluster_metadata";

/// "topic-partition", or nothing.
std::optional<TopicPartition> parse_name(std::string_view name) {
  size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  std::string_view number = name.substr(dash + 1);
  int32_t partition = -1;
  auto parsed = std::from_chars(number.data(), number.data() + number.size(), partition);
  if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size() || partition < 0) {
    return std::nullopt;
  }
  return TopicPartition{std::string(name.substr(0, dash)), partition};
}

/// "topic-partition.<unique>-future", or nothing.
std::optional<TopicPartition> parse_future(std::string_view name) {
  if (!name.ends_with(kFutureSuffix)) return std::nullopt;
  size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::nullopt : parse_name(name.substr(0, dot));
}

}  // namespace

struct LogManager::LoadJob {
  Directory* directory;
  TopicPartition id;
  std::string future = {};  // its name, if it is one
};

struct LogManager::Loading {
  std::vector<LoadJob> jobs;
  std::atomic<size_t> left{0};
  std::atomic<size_t> logs{0};
  std::atomic<bool> cancelled{false};  // or there is a shortage
  std::mutex mutex;
  std::optional<base::Error> shortage;  // the first; guarded by mutex
  base::Clock::Monotonic began{};
  base::Callback<void(Loaded)> done;
};

base::Result<void> LogManager::list_logs(Directory& directory, Loading& loading) {
  LH_ASSIGN(auto entries, params_.files->list(directory.path));
  size_t before = loading.jobs.size();
  for (const auto& entry : entries) {
    if (!entry.is_directory) continue;
    if (entry.name.ends_with(kDeleteSuffix) && entry.name.find('.') != std::string::npos) {
      std::lock_guard lock(mutex_);
      doomed_.push_back({directory.path + "/" + entry.name, params_.clock->wall_ms()});
      continue;
    }
    auto id = parse_name(entry.name);
    if (auto of = parse_future(entry.name)) {
      loading.jobs.push_back({&directory, std::move(*of), entry.name});
    } else if (!id) {
      params_.logger.warn("{}/{} is no log; leaving it alone", directory.path, entry.name);
    } else if (id->topic != kMetadataTopic) {
      loading.jobs.push_back({&directory, std::move(*id), {}});
    }
  }
  if (loading.jobs.size() == before) directory.clean = true;  // nothing there that could be unclean
  return {};
}

std::shared_ptr<LogManager::Loading> LogManager::begin_loading(base::Callback<void(Loaded)> done) {
  auto loading = std::make_shared<Loading>();
  loading->began = params_.clock->monotonic();
  loading->done = std::move(done);
  for (const auto& directory : directories_) {
    if (!directory->online) continue;
    auto listed = list_logs(*directory, *loading);
    if (!listed) give_up(*directory, listed.error(), *loading);
  }
  loading->left = loading->jobs.size();
  return loading;
}

void LogManager::load_log(const LoadJob& job, Loading& loading) {
  Directory& directory = *job.directory;
  if (!directory.online || loading.cancelled) return;
  if (params_.cancelled && params_.cancelled()) {
    loading.cancelled = true;
    return;
  }
  Log::Params params = log_params(directory, job.id);
  params.config_is_presumed = true;
  if (!job.future.empty()) {
    params.path = directory.file(job.future.c_str());
    params.config = config_of_copy(*params.config);
    params.config_is_presumed = false;  // it deletes nothing by itself
  }
  auto log = Log::open(std::move(params));
  if (!log && log.error().code == base::Errc::kCancelled) {
    loading.cancelled = true;
    return;
  }
  if (!log && !job.future.empty() && log.error().code == base::Errc::kCorrupt) {
    params_.logger.warn("{}: {}; it was a copy, and is removed", job.future, log.error().message);
    std::lock_guard lock(mutex_);
    doomed_.push_back({directory.file(job.future.c_str()), params_.clock->wall_ms()});
    return;
  }
  if (!log) return give_up(directory, log.error(), loading);
  adopt(job, std::move(*log));
  ++loading.logs;
}

void LogManager::give_up(const Directory& directory, const base::Error& why, Loading& loading) {
  if (!is_shortage(why)) return fail_directory(directory.path, why);
  std::lock_guard lock(loading.mutex);
  if (!loading.shortage) loading.shortage = explain_shortage(why);
  loading.cancelled = true;
}

void LogManager::adopt(const LoadJob& job, std::shared_ptr<Log> log) {
  Directory& directory = *job.directory;
  if (job.future.empty() && insert(log, directory)) return;
  std::lock_guard lock(mutex_);
  if (job.future.empty()) {
    twins_.push_back({std::move(log), &directory});
  } else if (futures_.try_emplace(job.id, Entry{std::move(log), &directory}).second) {
    ++directory.log_count;
  } else {  // it was to go elsewhere while this directory was away
    doomed_.push_back({directory.file(job.future.c_str()), params_.clock->wall_ms()});
  }
}

void LogManager::settle_twins(const Claim& claim_of) {
  std::lock_guard creating(create_mutex_);
  auto claim = [&](const Entry& entry) {
    int wanted = claim_of(*entry.log, entry.directory->id);
    bool holds_something = entry.log->log_end_offset() > entry.log->log_start_offset();
    return wanted == 0 ? std::pair(0, false) : std::pair(wanted, holds_something);
  };
  for (Entry& twin : std::exchange(twins_, {})) {
    TopicPartition id = twin.log->id();
    if (!get(id.topic, id.partition)) {
      insert(twin.log, *twin.directory);
      continue;
    }
    const Entry first = [&] {
      std::lock_guard lock(mutex_);
      return topics_.find(id.topic)->second.at(id.partition);
    }();
    if (claim(first).second && claim(first) == claim(twin)) {
      fail_directory(twin.directory->path,
                     {base::Errc::kConflict, id.to_string() + " is also in " +
                                                 directory_of(id.topic, id.partition) +
                                                 "; remove one of the two"});
    } else if (claim(first) < claim(twin)) {
      if (!take_out(id)) continue;
      insert(twin.log, *twin.directory);
      put_twin_aside(first, twin);
    } else {
      put_twin_aside(twin, first);
    }
  }
}

// What a move to another directory left, which a crash interrupted as it ended, is there twice.
void LogManager::put_twin_aside(const Entry& twin, const Entry& chosen) {
  std::string path = twin.log->path();
  bool is_copied = !twin.log->topic_id().is_zero() &&
                   twin.log->topic_id() == chosen.log->topic_id() &&
                   twin.log->log_end_offset() <= chosen.log->log_end_offset();
  auto aside = put_away(twin, is_copied ? kDeleteSuffix : kStraySuffix);
  if (!aside) return;
  params_.logger.warn("{} is not the only one of its name: it is put aside as {}", path, *aside);
  if (is_copied) doom(twin, std::move(*aside));
}

void LogManager::note_stale_entries(Directory& directory) {
  std::lock_guard lock(mutex_);
  for (const auto* checkpoint :
       {&directory.recovery_points, &directory.log_starts, &directory.first_dirty}) {
    for (const auto& [key, offset] : *checkpoint) {
      auto topic = topics_.find(key.first);
      bool here = topic != topics_.end() && topic->second.contains(key.second) &&
                  topic->second.at(key.second).directory == &directory;
      auto future = futures_.find({key.first, key.second});
      here = here || (future != futures_.end() && future->second.directory == &directory);
      if (!here) directory.stale.insert(key);
    }
  }
}

void LogManager::finish_loading(Loading& loading) {
  Loaded loaded;
  if (loading.cancelled) {  // a directory that was stopped in order keeps its marker
    loaded.cancelled = true;
    loaded.shortage = loading.shortage;
    return loading.done(loaded);
  }
  for (const auto& directory : directories_) {
    if (!directory->online) continue;
    if (!directory->clean) ++loaded.unclean_directories;
    // From here on logs are written to: the next stop has to earn a marker of its own. And what was
    // deleted before must not come back, after a crash, where there is something new of its name.
    if (auto removed = remove_clean_shutdown(*params_.files, directory->path); !removed) {
      give_up(*directory, removed.error(), loading);
      loaded.shortage = loading.shortage;
      continue;
    }
    note_stale_entries(*directory);
    directory->recovery_points = {};
    directory->log_starts = {};
    directory->high_watermarks = {};
    directory->first_dirty = {};
    directory->loaded = true;
    // From now on a recovery point that is not on disk never was.
    if (auto written = write_checkpoints(*directory); !written) {
      params_.logger.warn("checkpoint: {}", written.error().message);
    }
  }
  loaded.logs = loading.logs;
  auto took = params_.clock->monotonic() - loading.began;
  loaded.took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  params_.logger.info("loaded {} logs in {} ms; {} directories were not stopped in order",
                      loaded.logs, loaded.took_ms, loaded.unclean_directories);
  loading.done(loaded);
}

void LogManager::load(base::Executor& workers, base::Callback<void(Loaded)> done) {
  auto loading = begin_loading(std::move(done));
  if (loading->jobs.empty()) {
    workers.post([this, loading] { finish_loading(*loading); });
    return;
  }
  for (size_t i = 0; i < loading->jobs.size(); ++i) {
    workers.post([this, loading, i] {
      load_log(loading->jobs[i], *loading);
      if (--loading->left == 0) finish_loading(*loading);
    });
  }
}

LogManager::Loaded LogManager::load() {
  Loaded result;
  auto loading = begin_loading([&result](Loaded loaded) { result = loaded; });
  for (const auto& job : loading->jobs) load_log(job, *loading);
  finish_loading(*loading);
  return result;
}

}  // namespace longhaul::broker::log
